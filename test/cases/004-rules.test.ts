// Case 004 in the trace: who tries a request and when, that it ends once, and the count of its
// references (I004c and I004d), on lists made by hand.
import { describe, expect, it } from "vitest";
import { violationOf } from "../../src/cases/004-account.ts";
import { KICK, type KickStep } from "../../src/cases/004-life.ts";
import { kicksIn } from "../../src/cases/004-trace.ts";
import { TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent } from
  "../../src/core/trace.ts";

const BASE = 0xffffffff80000000n;
/** Of a kiocb: the next one is within what is read with it. */
const BYTES = 192;
const OBJECT = 0x431000n;
const RING = 0x520000n;
const [SUBMITTER, WORKER, SOFTIRQ] = [1, 2, 3];
const OFFSETS: Partial<Record<KickStep, bigint>> = { Q1: 0x68n, Q4: 0x68n, P3: 0x68n, Kw: 0x80n };
const LOADS = new Set<KickStep>(["Q4", "Q6", "P3", "P7"]);
const LOCKED = new Set<KickStep>(["Q3", "P4"]);

/**
 * "K0 2 by 1": a step, its value if that matters (self: the address of what is loaded), and the
 * CPU. One cycle after the other.
 */
const listOf = (...words: string[]) => words.flatMap((line) => line.split(/, */))
  .map((line, i): TraceEvent => {
    const [, name, value, cpu] = /^(\w+)(?: (-?\w+))? by (\d)$/.exec(line)!;
    const step = name as KickStep;
    const kind = LOADS.has(step) ? TRACE_LOAD : LOCKED.has(step) ? TRACE_LOCKED : TRACE_ISSUE;
    const phys = step === "A3" ? RING : OBJECT + (OFFSETS[step] ?? 0n);
    return {
      time: BigInt(i), cpu: Number(cpu), kind, label: KICK[step], size: 8, phys, extra: 0,
      value: value === "self" ? phys + BASE : BigInt.asUintN(32, BigInt(value ?? 0)),
    };
  });
const found = (...words: string[]) => kicksIn(listOf(...words), BYTES, BASE).violations;
const kindsIn = (...words: string[]) => found(...words).map(({ kind }) => kind);
const LAYOUT = { bytes: BYTES, base: BASE };
const failureOf = (...words: string[]) =>
  violationOf(found(...words), listOf(...words), LAYOUT)!;

const BORN = `K0 2 by ${SUBMITTER}`;
const END = `A3 by ${WORKER}, P 1 by ${WORKER}`;

/** It waits for two pages, one of which comes at once; the worker tries it again, and ends it. */
const SOUND = [
  `${BORN}, P0 by 1, Kw by 1, Kd by 1, Kw by 1, P3 by 1, P7 by 1, P 1 by 1`,
  "Q1 by 3, Q3 by 3, Q4 self by 3, Q6 self by 3",
  "P0 by 2, A3 by 2, P 1 by 2, P 0 by 2, Kf by 2",
  // It need not wait.
  "K0 2 by 1, P0 by 1, A3 by 1, P 1 by 1, P 0 by 1, Kf by 1",
  // Woken during its try; that task goes on elsewhere.
  "K0 2 by 1, P0 by 1, Kw by 1, Q1 by 3, Q3 by 3, Q6 0 by 3, P7 1 by 2, Q6 self by 2, P0 by 2",
  "A3 by 2, P 1 by 2, P 0 by 2, Kf by 2",
  // Direct: -EIOCBQUEUED, and the bio's end completes it.
  "K0 2 by 1, P0 by 1, A3 by 3, P 1 by 3, P 0 by 1, Kf by 1",
  // Cancelled: tried no more, and no event.
  "K0 2 by 1, P0 by 1, Kw by 1, P7 by 1, P 1 by 1, Q1 by 2, Q3 by 2, Q6 self by 2, P0 by 2",
  "P 1 by 2, P 0 by 2, Kf by 2",
  // No room in the ring: never tried, and in the same place the next one.
  "K0 2 by 1, K0 2 by 1, P0 by 1",
].join(", ");

describe("sound lives", () => {
  it("break no rule", () => expect(kindsIn(SOUND)).toEqual([]));

  it("break none where the trace begins in the middle of one", () => {
    const events = listOf(SOUND);
    for (let from = 1; from < events.length; from++) {
      const kinds = kicksIn(events.slice(from), BYTES, BASE).violations.map(({ kind }) => kind);
      expect(kinds, `from ${from}`).toEqual([]);
    }
  });
});

describe("what a failure is told with", () => {
  it("has no step of the request behind it, nor has its cause", () => {
    const events = listOf(BORN, "P0 by 1, P0 by 2");
    const { violations } = kicksIn(events, BYTES, BASE);
    const next = (event: TraceEvent) => ({ ...event, phys: event.phys + BigInt(BYTES) });
    const alone = violationOf(violations, events, LAYOUT)!;
    const among = violationOf(violations, events.flatMap((one) => [one, next(one)]), LAYOUT)!;
    expect([among.account, among.events]).toEqual([alone.account, alone.events]);
    expect(alone.events.length).toBeGreaterThan(1);
  });
});

describe("a try", () => {
  it("begins while another goes on", () => {
    expect(kindsIn(BORN, "P0 by 1, P0 by 2")).toEqual(["two tries"]);
    expect(kindsIn("P0 by 1, P0 by 2")).toEqual(["two tries"]);
    expect(kindsIn(BORN, "P0 by 1, P7 by 1, P0 by 2")).toEqual([]);
  });

  it("begins while ki_wait is in a queue", () => {
    const waits = `${BORN}, P0 by 1, Kw by 1, P7 by 1`;
    expect(kindsIn(waits, "P0 by 2")).toEqual(["try in a queue"]);
    expect(kindsIn(waits, "Q1 by 3, P0 by 2")).toEqual([]);
    // The one that has been taken out is not the one that waits.
    expect(kindsIn(BORN, "P0 by 1, Kw by 1, Q1 by 3, Kw by 1, P7 by 1, P0 by 2"))
      .toEqual(["try in a queue"]);
    expect(kindsIn(BORN, "P0 by 1, Kw by 1, Kd by 1, P7 1 by 1, P0 by 1")).toEqual([]);
  });

  it("begins while another one waits: that the other goes on is what is wrong", () => {
    expect(kindsIn(BORN, "P0 by 1, Kw by 1, P0 by 2, Kd by 1")).toEqual(["two tries"]);
  });

  it("begins after the event is in the ring", () => {
    expect(kindsIn(BORN, `P0 by ${WORKER}`, END, "P0 by 1")).toEqual(["try after its end"]);
    expect(kindsIn(BORN, `P0 by ${WORKER}`, END, "Kf by 2, K0 2 by 1, P0 by 1")).toEqual([]);
  });

  it("is not ended by a completion of another request, nor by a put", () => {
    expect(kindsIn(BORN, `P0 by 1, A3 by ${SOFTIRQ}, P 1 by 1, P0 by 2`)).toEqual(["two tries"]);
  });
});

describe("a completed request", () => {
  it("is put on run_list", () => {
    expect(kindsIn(BORN, "P0 by 2", END, "Q6 self by 3")).toEqual(["queued after its end"]);
    // It is looked at, and not put there.
    expect(kindsIn(BORN, "P0 by 2", END, "Q6 0 by 3")).toEqual([]);
    expect(kindsIn(BORN, "P0 by 2, P7 by 2, Q6 self by 2, P0 by 2", END)).toEqual([]);
  });

  it("is completed again", () => {
    expect(kindsIn(BORN, "P0 by 2", END, "A3 by 3, P 0 by 3")).toEqual(["completed again"]);
    expect(kindsIn(BORN, "P0 by 2", END, "P 0 by 3")).toEqual([]);
  });
});

describe("ki_users", () => {
  it("falls below 0", () => {
    expect(kindsIn(BORN, "P 1 by 1, P 0 by 2, P -1 by 3")).toEqual(["count below 0"]);
    expect(kindsIn(BORN, "P -1 by 1")).toEqual(["count below 0"]);
  });

  it("is 0 twice, or falls to anything after it", () => {
    expect(kindsIn(BORN, "P 1 by 1, P 0 by 2, P 0 by 3")).toEqual(["count after 0"]);
    expect(kindsIn(BORN, "P 1 by 1, P 0 by 2, P 5 by 3")).toEqual(["count after 0"]);
    expect(kindsIn(BORN, "P 1 by 1, P 0 by 2, K0 2 by 1, P 1 by 1, P 0 by 1")).toEqual([]);
  });

  it("is not read where it is decremented in place: that record has what was there", () => {
    const inPlace = listOf(BORN, "P 0 by 1, P 0 by 2")
      .map((event) => ({ ...event, kind: event.label === KICK.P ? TRACE_LOCKED : event.kind }));
    expect(kicksIn(inPlace, BYTES, BASE).violations).toEqual([]);
  });
});

describe("the failure", () => {
  it.each([
    ["I004c", "P0 by 1, P0 by 2", /on CPU 2 while a try of 1 cycles ago goes on$/],
    ["I004c", "P0 by 1, Kw by 1, P7 by 1, P0 by 2", /in a queue for 2 cycles and was not woken$/],
    ["I004c", `P0 by 2, ${END}, P0 by 1`, /on CPU 1, 2 cycles after its event$/],
    ["I004c", `P0 by 2, ${END}, Q6 self by 3`, /^CPU 3 puts .* run_list, 2 cycles after its/],
    ["I004c", `P0 by 2, ${END}, A3 by 3, P 0 by 3`, /completed a second time, 3 cycles after/],
    ["I004d", "P 1 by 1, P 0 by 2, P -1 by 3", /becomes -1: there was no reference/],
    ["I004d", "P 1 by 1, P 0 by 2, P 0 by 3", /after the last one \(ki_users: 0 after 0\)$/],
  ])("%s: %s", (invariant, steps, what) => {
    const failure = failureOf(BORN, steps);
    expect(failure.invariant).toBe(invariant);
    expect(failure.what).toMatch(what);
    expect(failure.moments!.used).toEqual(listOf(BORN, steps).at(-1));
    // No report on these is about the wake function.
    expect(failure.facts!.kind).toMatch(/^double \(.+\)$/);
    expect(failure.title).toMatch(invariant === "I004d" ? /^a reference .* that there was not$/
      : /^a request is tried, queued or completed when it must not be$/);
  });

  it("of the wake function is a UAF or a WARN, its steps under both names", () => {
    const warn = failureOf(BORN, "P0 by 1, Kw by 1, Q1 by 3, Kw by 1, Q3 by 3, Q4 0 by 3");
    const freed = failureOf(BORN, "P0 by 1, Q1 by 3, Kf by 1, Q6 self by 3");
    expect([warn, freed].map(({ facts, title }) => [facts!.kind, title])).toEqual(
      [["WARN (queued again)", undefined], ["UAF (use after free)", undefined]]);
    expect(freed.account!.split("\n").at(-1)).toMatch(/cpu3 {2}Q6 \(S6\)$/);
    expect(warn.facts!.used).toMatch(/^Q4 \(S4\) by cpu3 at 6, /);
    expect(freed.facts!.used).toMatch(/^Q6 \(S6\) by cpu3 at 4, /);
    // Also who has just tried a request does Q6.
    expect(failureOf(BORN, `P0 by 2, ${END}, Q6 self by 3`).facts!.used).toMatch(/^Q6 by cpu3/);
  });

  it("tells who put a request that waits on run_list", () => {
    const { facts, moments } = failureOf(
      BORN, "P0 by 1, Q1 by 3, P7 by 1, P0 by 1, Kw by 1, P7 by 1, Q6 self by 3, P0 by 2");
    expect([moments!.taken, moments!.queued, moments!.appended].map((event) => event!.time))
      .toEqual([2n, 5n, 7n]);
    expect(facts!["put on run_list"]).toBe("Q6 by cpu3 at 7");
    expect(facts!["put into a queue"]).toBe("Kw by cpu1 at 5");
    expect(facts!["tried before"]).toBe("P0 by cpu1 at 4");
  });

  it("tells the count with the value that ought not to be", () => {
    expect(failureOf(BORN, "P 1 by 1, P 0 by 2, P -1 by 3").facts!["ki_users as stored"]).toBe(
      "2 (K0 by cpu1 at 0), 1 (P by cpu1 at 1), 0 (P by cpu2 at 2), -1 (P by cpu3 at 3)");
  });

  it("is the first of several", () => {
    expect(failureOf(BORN, "P0 by 1, P0 by 2, Q1 by 3, Kf by 1, Q3 by 3").invariant).toBe("I004c");
    expect(failureOf(BORN, "P0 by 1, Q1 by 3, Kf by 1, Q3 by 3, P0 by 2").invariant).toBe("I004a");
  });
});
