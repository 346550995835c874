// Case 003 in the trace: when submitter and completion were near each other, what hid the waiter,
// and looks at a request that is gone. What comes out on the machine: rows.test.ts.
import { describe, expect, it } from "vitest";
import { case003 } from "../../src/cases/003.ts";
import {
  causeOfHang, causeOfUse, DioStory, isNear, meetingsOf, NEAR_CYCLES,
} from "../../src/cases/003-story.ts";
import { DIO, type DioStep, dioRequests } from "../../src/cases/dio-trace.ts";
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent,
} from "../../src/core/trace.ts";

const LINE = 0x740000n;
const W = 4;
const E = 15;

const at = (
  time: number, cpu: number, step: DioStep, kind: number, value = 0n,
): TraceEvent => ({
  time: BigInt(time), cpu, kind, label: DIO[step], size: 8, phys: LINE + 24n, value, extra: 0,
});
const begin = at(0, W, "S1", TRACE_ISSUE);
const count = (time: number, value = 2n) => at(time, W, "W6", TRACE_LOAD, value);
const publish = (issue: number, commit: number) =>
  [at(issue, W, "W7", TRACE_ISSUE, 1n), at(commit, W, "W7", TRACE_COMMIT, 1n)];
const look = (time: number) => at(time, E, "E1", TRACE_LOAD);
const drop = (time: number, cpu = E) => at(time, cpu, "E2", TRACE_LOCKED);

function meeting(...events: TraceEvent[]) {
  const sorted = [begin, ...events].sort((a, b) => Number(a.time - b.time));
  return meetingsOf(dioRequests(sorted))[0];
}

describe("submitter and completion", () => {
  it("a waiter in the store buffer is not seen", () => {
    expect(causeOfHang(meeting(count(10), ...publish(20, 200), look(60), drop(300))))
      .toBe("store buffer");
  });

  it("a look before the store is an interleaving", () => {
    expect(causeOfHang(meeting(count(10), look(15), ...publish(20, 200), drop(300))))
      .toBe("interleaving");
  });

  it("without a look nothing is known", () => {
    expect(causeOfHang(meeting(count(10), ...publish(20, 200)))).toBe("not recorded");
  });

  it("who sees a waiter whose state is still in the store buffer does not wake it", () => {
    const state = (issue: number, commit: number) => [
      at(issue, W, "W5", TRACE_ISSUE, 2n), at(commit, W, "W5", TRACE_COMMIT, 2n),
    ];
    const seen = (...events: TraceEvent[]) => causeOfHang(meeting(
      ...publish(20, 50), count(30), at(60, E, "E3", TRACE_LOAD, 1n), drop(55), ...events));
    expect(seen(...state(25, 200))).toBe("store buffer");
    expect(seen(...state(70, 200))).toBe("not recorded");
    expect(seen()).toBe("not recorded");
  });

  it("are near within a few thousand cycles, and never on one CPU", () => {
    const far = 10 + Number(NEAR_CYCLES) + 1;
    expect(isNear(meeting(count(10), ...publish(20, 30), drop(far - 1)))).toBe(true);
    expect(isNear(meeting(count(10), ...publish(20, 30), drop(far)))).toBe(false);
    expect(isNear(meeting(count(10), ...publish(20, 30), drop(100, W)))).toBe(false);
    expect(isNear(meeting(count(10, 1n)))).toBe(false);
  });

  it("a request that nobody waited for is no meeting", () => {
    expect(meetingsOf(dioRequests([begin, drop(5)]))).toEqual([]);
  });

  it("a look at a request that was freed is found", () => {
    const free = at(400, W, "Df", TRACE_ISSUE);
    const late = at(500, E, "E3", TRACE_LOAD);
    const requests = dioRequests([begin, count(10), drop(20), free, late]);
    expect(requests.map((request) => request.late)).toEqual([[late]]);
    expect(causeOfUse(requests[0])).toBe("interleaving");
    expect(dioRequests([begin, count(10), drop(20), free])[0].late).toEqual([]);
  });

  it("are counted over all pieces of a run, each request once", () => {
    const one = [begin, count(10), ...publish(20, 30), drop(40), at(400, W, "Df", TRACE_ISSUE)];
    const late = at(500, E, "E3", TRACE_LOAD);
    const story = new DioStory();
    for (const events of [one.slice(0, 3), one.slice(3), [late, begin], [count(10), drop(20)]]) {
      story.take(events);
    }
    expect(story.end()).toHaveLength(1);
    expect([story.meetings, story.near, story.late]).toEqual([2, 2, 1]);
    expect(story.firstUse!.late).toEqual([late]);
  });
});

describe("variants", () => {
  it.each([["fixed", "f0"], ["F0+bug_on", "f0+bug_on"], ["x6b", "x6b"], ["bug", "bug"]])(
    "%s is %s", (text, name) => expect(case003.variantOf(text)).toBe(name));
  it.each(["x8", "", "dio2620", "constructor"])("%j lists the valid ones", (text) =>
    expect(() => case003.variantOf(text)).toThrow(/f0\+bug_on/));
});
