// Case 003 in the trace: when submitter and completion were near each other, what hid the waiter,
// and looks at a request that is gone. What comes out on the machine: rows.test.ts.
import { afterAll, describe, expect, it } from "vitest";
import { stuckOwners } from "../../src/cases/003-account.ts";
import { hangOf } from "../../src/cases/003-failure.ts";
import { isCutShort } from "../../src/cases/003-numbers.ts";
import { case003 } from "../../src/cases/003.ts";
import {
  causeOfHang, causeOfUse, DioStory, isNear, meetingsOf, NEAR_CYCLES,
} from "../../src/cases/003-story.ts";
import { tasksOf } from "../../src/cases/003-workloads.ts";
import type { CaseRun, CaseSpec, Setup } from "../../src/cases/case.ts";
import { DIO, type DioStep, dioRequests } from "../../src/cases/dio-trace.ts";
import { runOnce } from "../../src/cases/runner.ts";
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent,
} from "../../src/core/trace.ts";
import { Machine } from "../../src/engine/machine.ts";
import type { Task } from "../../src/machine/debug-block.ts";
import { parseDisks } from "../../src/machine/disks.ts";
import type { MemoryModel } from "../../src/machine/topology.ts";

afterAll(() => Machine.shutdown());

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

/** A machine whose kernel has not begun: nothing has been freed. */
const NO_KERNEL = { debugBlock: () => undefined } as unknown as Machine;

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

  it("where there are no store buffers, it is an interleaving", () => {
    const unfinished = [meeting(count(10), ...publish(20, 200), look(60), drop(300))];
    const asleep = { task: {} as Task, dio: 1n, bios: 0, transaction: 2n };
    const population = { writers: [asleep], journal: [], blocked: [] };
    const cause = (memory: "tso" | "sc") => hangOf(population, unfinished, memory)!.cause;
    expect([cause("tso"), cause("sc")]).toEqual(["store buffer", "interleaving"]);
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
    const story = new DioStory(NO_KERNEL);
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

describe("the rows", () => {
  const { setups } = case003.rows.find(({ id }) => id === "E003.2")!;
  const [numbers] = setups("full");
  const dio = {
    size: 0x100000n, result: 0xe00n, cur_page_len: 0xc00n, first_block_in_page: 7n, blkbits: 9n,
    blkfactor: 3n, total_pages: 0x101n, curr_page: 0x40n, head: 0x40n, tail: 0x40n,
    pages_in_io: 0x102n, offset: 0xb00200n, final_block_in_request: 0x6001n,
    block_in_file: 0x5808n, cur_page_block: 0x948613an, final_block_in_bio: 0x9486140n,
    next_block_for_io: 0x9486140n,
  };
  const run = (objects: Array<Record<string, bigint>>, waited: number) => ({
    spec: { ...numbers, seed: 1n }, rounds: 1, objects,
    counts: { "requests that were waited for": waited },
  }) as unknown as CaseRun;
  const outcome = (...runs: CaseRun[]) => numbers.judge(runs).outcome;

  it("E003.2: every number of every request, and no request left out", () => {
    expect(outcome(run([dio], 1))).toBe("holds");
    expect(outcome(run([], 0))).toBe("missed");
    expect(outcome(run([dio], 2))).toBe("missed");
    for (const name of Object.keys(dio) as Array<keyof typeof dio>) {
      expect(outcome(run([{ ...dio, [name]: dio[name] + 1n }], 1)), name).toBe("missed");
    }
    // The second one is elsewhere, and has the same shape there.
    const other = {
      ...dio, offset: 0xc00200n, final_block_in_request: 0x6801n, block_in_file: 0x6008n,
      cur_page_block: 10n, final_block_in_bio: 16n, next_block_for_io: 16n,
    };
    expect(outcome(run([dio, other], 2))).toBe("holds");
    expect(outcome(run([dio, { ...other, block_in_file: 0x5808n }], 2))).toBe("missed");
    expect(outcome(run([dio, { ...other, result: 0x1000n }], 2))).toBe("missed");
  });

  const found = (invariant: string | undefined, more: Partial<CaseRun> = {}) => ({
    spec: { memory: "tso", seed: 1n }, rounds: 1000, visited: 3, counts: {},
    failure: invariant && { invariant }, ...more,
  }) as unknown as CaseRun;
  const setupOf = (id: string, expected: string, variant?: string, memory?: MemoryModel) =>
    case003.rows.find((row) => row.id === id)!.setups("full").find((one) =>
      one.expected === expected && (!variant || one.variant === variant) &&
      (!memory || one.memory === memory))!;

  it("E003.5: a use after free is no hang, and a hang is one", () => {
    const { judge } = setupOf("E003.5", "no hang");
    expect(judge([found("UAF"), found(undefined)]).outcome).toBe("holds");
    expect(judge([found("UAF"), found("I003a")]).outcome).toBe("missed");
    expect(judge([found("I003c")]).outcome).toBe("missed");
    expect(judge([found(undefined, { visited: 0 })]).outcome).toBe("open");
  });

  it("E003.5: rates of the two models that are ten times apart are not of the same order", () => {
    const { judge } = setupOf("E003.5", "the same order of rate");
    const runs = (memory: string, hangs: number) => Array.from({ length: 20 }, (_, i) =>
      found(i < hangs ? "I003a" : undefined, { spec: { memory } as CaseRun["spec"] }));
    expect(judge([...runs("tso", 18), ...runs("sc", 2)]).outcome).toBe("holds");
    expect(judge([...runs("tso", 20), ...runs("sc", 2)]).outcome).toBe("missed");
    expect(judge([...runs("tso", 0), ...runs("sc", 0)]).outcome).toBe("missed");
  });

  const PARTS = [
    "writers asleep on an ended request", "of them with e00 bytes issued, and the dumps' numbers",
    "kjournald on t_updates", "open handles of the transaction",
    "their owners, all asleep (I003c)", "tasks on T_LOCKED", "tasks in all",
  ];
  const E003_1 = case003.rows[0].setups("full");
  const treeOf = (setup: Setup, writers: number, tasks: number, more = {}) => {
    const numbers = [writers, writers, 1, writers, writers, tasks - writers, tasks];
    const counts = Object.fromEntries(PARTS.map((what, i) => [what, numbers[i]]));
    return found("I003a", {
      spec: { ...setup, seed: 1n } as unknown as CaseRun["spec"], counts: { ...counts, ...more },
    });
  };

  it("E003.1: with few requests near each other one hang is enough, and must be whole", () => {
    const setup = E003_1.find((one) => one.workload === "W003u")!;
    const outcomeOf = (...runs: CaseRun[]) => setup.judge(runs).outcome;
    expect(outcomeOf(treeOf(setup, 1, 16), found(undefined))).toBe("holds");
    expect(outcomeOf(found(undefined))).toBe("missed");
    const most = E003_1.find((one) => one.workload === "W003r")!;
    const hung = treeOf(most, 1, 16);
    expect(most.judge([hung, hung, found(undefined)]).outcome).toBe("holds");
    expect(most.judge([hung, found(undefined)]).outcome).toBe("missed");
    for (const what of PARTS) {
      const broken = treeOf(setup, 1, 16, { [what]: 0 });
      expect(outcomeOf(treeOf(setup, 1, 16), broken), what).toBe("missed");
    }
  });

  it("E003.1: in a run somebody waits for who hangs; a bio that is left is another failure", () => {
    for (const setup of E003_1.filter(({ known }) => !known)) {
      const tasks = tasksOf(setup.workload);
      const whole = treeOf(setup, 1, tasks);
      expect(setup.judge([whole]).outcome, setup.workload).toBe("holds");
      const outcomesWith = (other: CaseRun) =>
        [[other], [whole, whole, other]].map((runs) => setup.judge(runs).outcome);
      // All but the numbers of who waits are those of a tree: nobody is left who could.
      for (const hung of [1, tasks]) {
        expect(outcomesWith(treeOf(setup, hung, hung))).toEqual(["missed", "holds"]);
      }
      const kept = treeOf(setup, 1, tasks, { "bios of requests with one reference (I003b)": 1 });
      const few = treeOf(setup, 1, tasks, { "tasks on T_LOCKED": tasks - 2 });
      for (const other of [kept, few]) expect(outcomesWith(other)).toEqual(["missed", "missed"]);
    }
  });

  it("E003.1: at 1 MiB a hang with its tree is expected, none is known, another missed", () => {
    const setups = E003_1.filter(({ known }) => known);
    expect(setups.map(({ workload }) => workload)).toEqual(["W003", "W003m"]);
    for (const setup of setups) {
      const tasks = tasksOf(setup.workload);
      const other = treeOf(setup, 1, tasks, { "kjournald on t_updates": 0 });
      const outcomes = [treeOf(setup, 1, tasks), found(undefined), other].map((run) =>
        [setup.judge([run]).outcome, setup.bound!([run])]);
      expect(outcomes).toEqual([["holds", false], ["missed", true], ["missed", false]]);
      expect(setup.expected).toContain("result e00 of 100000 in a hang");
    }
  });

  it("E003.1: of the dumps' tasks all are there, one hangs and 24 or 192 wait for it", () => {
    for (const [workload, tasks] of [["W003t", 25], ["W003tm", 193]] as const) {
      const setup = E003_1.find((one) =>
        one.workload === workload && one.expected.startsWith("in a run one writer"))!;
      const outcomeOf = (...runs: CaseRun[]) => setup.judge(runs).outcome;
      const [one, two] = [treeOf(setup, 1, tasks), treeOf(setup, 2, tasks)];
      const through = treeOf(setup, 2, tasks - 1);
      expect(outcomeOf(one), workload).toBe("holds");
      expect(setup.judge([one, two, found(undefined)])).toMatchObject({
        outcome: "holds",
        measured: expect.stringContaining(
          `tasks 1/1/${tasks - 1}/${tasks} 2/1/${tasks - 2}/${tasks} -`),
      });
      expect(outcomeOf(one, two, through), workload).toBe("holds");
      expect(outcomeOf(through, found(undefined)), workload).toBe("missed");
      expect(outcomeOf(treeOf(setup, 1, tasks - 1)), workload).toBe("missed");
      expect(outcomeOf(two, two), workload).toBe("missed");
      for (const what of PARTS) {
        const broken = treeOf(setup, 1, tasks, { [what]: 0 });
        expect([outcomeOf(broken), outcomeOf(one, one, broken)], what)
          .toEqual(["missed", "missed"]);
      }
    }
  });

  it("E003.1: of 192 writers some may be through, but those that are left are a tree", () => {
    const setup = E003_1.find((one) => one.workload === "W003tm" && one.memory === "tso")!;
    const outcomeOf = (...runs: CaseRun[]) => setup.judge(runs).outcome;
    const left = treeOf(setup, 5, 160);
    expect(outcomeOf(left, treeOf(setup, 1, 1), found(undefined))).toBe("holds");
    const few = [found(undefined), treeOf(setup, 5, 5), treeOf(setup, 5, 101)];
    expect(few.map((run) => outcomeOf(run))).toEqual(["missed", "missed", "missed"]);
    for (const what of PARTS) {
      expect(outcomeOf(left, treeOf(setup, 5, 160, { [what]: 0 })), what).toBe("missed");
    }
  });

  it("no row asks for more writes than the disk has room for", () => {
    for (const { workload, rounds, what } of case003.rows.flatMap(({ setups }) => setups("full"))) {
      expect(rounds, what).toBeLessThanOrEqual(case003.roundsMax![workload]);
    }
    expect(case003.roundsMax).toMatchObject({ W003: 35, W003m: 1, W003t: 4534, W003tm: 165 });
  });

  it("E003.3: among the dumps' tasks the others change the file system, too", () => {
    const setups = case003.rows.find(({ id }) => id === "E003.3")!.setups("full")
      .filter(({ workload }) => workload === "W003t" || workload === "W003tm");
    expect(setups.map(({ variant }) => variant)).toEqual(["f0", "f0"]);
    const outcomeOf = (handles: number, invariant?: string) => setups[0].judge([found(invariant, {
      counts: { "calls of the other tasks that take a handle": handles },
    })]).outcome;
    expect([outcomeOf(1), outcomeOf(0), outcomeOf(1, "I003a")])
      .toEqual(["holds", "missed", "missed"]);
  });

  it.each(["x2", "x3"])("E003.5: %s is shown to hang with adversarial drains", (variant) => {
    const { judge, known } = setupOf("E003.5", "hangs", variant, "tso-adv");
    expect(known).toBeUndefined();
    expect(judge([found("I003a"), found(undefined)]).outcome).toBe("holds");
    expect(judge([found("UAF"), found(undefined)]).outcome).toBe("missed");
  });

  it("E003.5: that x2 does not hang on the machine's is known where the two were near", () => {
    const { judge, bound } = setupOf("E003.5", "hangs", "x2", "tso");
    expect(judge([found("I003a")]).outcome).toBe("holds");
    const runs = [found(undefined), found(undefined, { visited: 0 }), found("UAF")];
    expect(runs.map((run) => judge([run]).outcome)).toEqual(["missed", "missed", "missed"]);
    expect(runs.map((run) => bound!([run]))).toEqual([true, false, false]);
  });

  it("E003.1: a hung request is that of the dumps, but for its size", () => {
    const small = { ...dio, size: 0x2000n, final_block_in_request: 0x5811n, total_pages: 3n };
    expect(isCutShort(small, 0x2000n)).toBe(true);
    expect(isCutShort(small, 0x100000n)).toBe(false);
    for (const name of ["result", "size", "offset", "cur_page_len", "block_in_file"] as const) {
      expect(isCutShort({ ...small, [name]: small[name] + 512n }, 0x2000n), name).toBe(false);
    }
  });

  it("a write that is not answered in full is missed in any row, and never known", () => {
    const some = (invariant?: string) => found(invariant, { counts: {
      "writes answered otherwise": 1, "accesses after free": 1, "requests that were waited for": 1,
    } });
    const all = case003.rows.flatMap((row) => row.setups("full"));
    for (const { what, expected, judge, bound } of all) {
      for (const run of [some(), some("I003a"), some("UAF")]) {
        expect(judge([run]).outcome, `${what}: ${expected}`).toBe("missed");
        expect(bound?.([run]) ?? false, `${what}: ${expected}`).toBe(false);
      }
    }
  });

  it("what is known has its bound", () => {
    const x7 = setupOf("E003.5", "use after free", "x7").bound!;
    expect([x7([found(undefined)]), x7([found("I003a")])]).toEqual([true, false]);
    expect(setupOf("E003.5", "use after free", "x3").bound!([found("I003a")])).toBe(true);
  });
});

describe("what the writes are answered", () => {
  const spec: CaseSpec = {
    machine: "rhel16", variant: "f0", workload: "W003n", pair: [0, 1], rounds: 4, memory: "tso",
    seed: 1n,
  };
  const answers = ({ counts }: CaseRun) =>
    ["writes answered in full", "writes answered otherwise", "of them by -EIO"]
      .map((what) => counts![what]);

  it("is told, and is all of them where the disk does what it is told to", async () => {
    const run = await runOnce(case003, spec);
    expect([run.broken, ...answers(run)]).toEqual([undefined, 4, 0, 0]);
  });

  it("is told where a drive is gone, and no fault of the kernel", async () => {
    const run = await runOnce(case003, { ...spec, disk: ["gone=6"] });
    const [full, otherwise, errors] = answers(run);
    expect([run.broken, full + otherwise]).toEqual([undefined, 4]);
    expect(errors).toBeGreaterThan(0);
  });

  it("is a fault where no disk was to fail", async () => {
    const disks = () => ({ disks: parseDisks(1, "gone=6"), irqPolicy: "fixed" as const });
    const run = await runOnce({ ...case003, disks }, spec);
    expect(run.broken).toMatch(/^4 of 4 writes were not answered in full/);
  });
});

describe("I003c", () => {
  const task = (address: bigint, state: number) => ({ address, state }) as Task;
  const locked = { address: 9n, tid: 1, state: "T_LOCKED", updates: 1 };
  const of = (owner: bigint) => (address: bigint) => (address === owner ? 9n : 0n);
  it("is of a locked transaction whose owners all sleep", () => {
    expect(stuckOwners([task(1n, 2), task(2n, 2)], locked, of(1n))).toHaveLength(1);
    expect(stuckOwners([task(1n, 0), task(2n, 2)], locked, of(1n))).toEqual([]);
    const both = (address: bigint) => (address < 3n ? 9n : 0n);
    expect(stuckOwners([task(1n, 2), task(2n, 0)], locked, both)).toEqual([]);
    expect(stuckOwners([task(1n, 2), task(2n, 2), task(3n, 0)], locked, both)).toHaveLength(2);
    const running = { ...locked, state: "T_RUNNING" };
    expect(stuckOwners([task(1n, 2)], running, of(1n))).toEqual([]);
    expect(stuckOwners([task(1n, 2)], { ...locked, updates: 0 }, of(1n))).toEqual([]);
  });
});
