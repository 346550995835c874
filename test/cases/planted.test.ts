// Invariants of cases 002 to 004 on machines whose kernels have a fault planted in them, in memory
// (../support/planted.ts): those that no variant breaks, or none first, and some that variants
// break only in a race. Nothing is delayed and no order is chosen. Without a fault the same runs
// are sound. What the detectors say of records and file systems made by hand: 00[234]*.test.ts.
import { afterAll, describe, expect, it } from "vitest";
import { KEPT } from "../../src/cases/003-rows.ts";
import { KICK } from "../../src/cases/004-life.ts";
import { case002 } from "../../src/cases/002.ts";
import { case003 } from "../../src/cases/003.ts";
import { case004 } from "../../src/cases/004.ts";
import type { Case, CaseSpec } from "../../src/cases/case.ts";
import { DIO } from "../../src/cases/dio-trace.ts";
import { Machine } from "../../src/engine/machine.ts";
import { FsBlock } from "../../src/machine/fs-block.ts";
import { type Fault, idle, mark, replaced, runWith, withoutCall } from "../support/planted.ts";

const MINUTE = 60_000;

afterAll(() => Machine.shutdown());

const specOf = (
  machine: string, variant: string, workload: string, rounds: number,
): CaseSpec => ({ machine, variant, workload, rounds, pair: [0, 1], memory: "tso", seed: 1n });

/** A run, and what the kernel itself has at its end. */
async function runPlanted(definition: Case, spec: CaseSpec, ...faults: Fault[]) {
  const run = await runWith(definition, spec, ...faults);
  const { machine, failure, broken, counts } = run;
  try {
    const fs = FsBlock.of(machine.debugBlock()!, machine.kernelVariable("smpbox_fs"))!;
    const warnings = machine.kernelVariable("aio_warnings")!.getUint32(0, true);
    const dios = fs.slab("struct dio").map((address) => ({ address, ...fs.dio(address) }));
    return { failure, broken, counts: counts!, warnings, dios, bios: fs.biosOf() };
  } finally {
    machine.close();
  }
}

describe("case 002", () => {
  const spec = specOf("clovertown", "fix2006", "W002b", 16);
  const LEAKED = "requests never freed";

  it("without a fault no request is left", async () => {
    const { failure, broken, counts, dios } = await runPlanted(case002, spec);
    expect([failure, broken, counts[LEAKED], dios]).toEqual([undefined, undefined, 0, []]);
  }, MINUTE);

  it("I002c: who reports a request does not free it", async () => {
    const { failure, counts, dios } = await runPlanted(
      case002, spec, withoutCall("finished_one_bio__fix2006", "dio_free"));
    expect(failure!.invariant).toBe("I002c");
    // All have their events, and the allocator says the same.
    expect([counts[LEAKED], counts["missing events"]]).toEqual([dios.length, 0]);
    expect(dios).toHaveLength(counts["answers compared with their requests"]);
    expect(dios.length).toBeGreaterThan(0);
    expect(failure!.what).toBe(`${dios.length} requests are never freed`);
  }, MINUTE);
});

describe("case 003", () => {
  const spec = specOf("rhel16", "f0", "W003r", 3);
  const [COMPLETION, SUBMITTER] = ["dio_bio_end_aio__f0", "dio_await_one__f0"];
  const HUNG = "writers asleep on an ended request";
  const HANDLES = "open handles of the transaction";
  /** W7: who waits does not say so. */
  const unsaid = replaced(SUBMITTER, {
    after: mark(DIO.W7), was: "49 89 9c 24 d8 00 00 00", is: "0f 1f 84 00 00 00 00 00",
  });
  const keepsBios = idle("bio_put");

  it("without a fault nobody sleeps", async () => {
    const { failure, broken, counts, dios } = await runPlanted(case003, spec);
    expect([failure, broken, counts[HANDLES], dios]).toEqual([undefined, undefined, 0, []]);
  }, MINUTE);

  it("I003a: the completion that sees the waiter does not wake it", async () => {
    const { failure, counts } =
      await runPlanted(case003, spec, withoutCall(COMPLETION, "try_to_wake_up"));
    expect(failure!.invariant).toBe("I003a");
    expect(counts[HUNG]).toBeGreaterThan(0);
    expect([counts[HUNG], counts[KEPT]]).toEqual([counts[HANDLES], 0]);
  }, MINUTE);

  it("I003b: the bios of writers that sleep unsaid are left, too", async () => {
    const { failure, counts, dios, bios } =
      await runPlanted(case003, spec, unsaid, keepsBios);
    expect(failure!.invariant).toBe("I003b");
    expect(dios.map(({ refcount }) => refcount)).toEqual(dios.map(() => 1n));
    // Of each writer that sleeps one; those of others have ended, and their requests are free.
    expect([counts[HUNG], counts[KEPT]]).toEqual([0, counts[HANDLES]]);
    expect(counts[KEPT]).toBe(dios.length);
    expect(counts[KEPT]).toBeGreaterThan(0);
    expect(bios.length).toBeGreaterThan(counts[KEPT]);
  }, MINUTE);

  it("I003c: writers that sleep unsaid have handles", async () => {
    const { failure, counts } = await runPlanted(case003, spec, unsaid);
    expect(failure!.invariant).toBe("I003c");
    expect([counts[HUNG], counts[KEPT]]).toEqual([0, 0]);
    expect(failure!.what).toContain(`all ${counts[HANDLES]} owners of its handles sleep`);
  }, MINUTE);

  it("neither I003a nor I003b: a bio is left, and so is its reference", async () => {
    // E2 stores what it has loaded.
    const kept = replaced(COMPLETION, {
      after: `${mark(DIO.E2)} 8b 83 c8 00 00 00`, was: "83 e8 01", is: "83 e8 00",
    });
    const { failure, counts, dios, bios } = await runPlanted(case003, spec, kept, keepsBios);
    expect(failure!.invariant).toBe("I003c");
    expect([counts[HUNG], counts[KEPT]]).toEqual([0, 0]);
    expect(dios.length).toBeGreaterThan(0);
    for (const { address, refcount, waiter } of dios) {
      expect([refcount, waiter === 0n, bios.includes(address)]).toEqual([2n, false, true]);
    }
  }, MINUTE);
});

describe("case 004", () => {
  const spec = specOf("rhel16", "bug", "W004", 5);
  const [WAKE, TRY] = ["aio_wake_function__bug", "aio_run_iocb__bug"];
  const WARN = "requests queued again (WARN)";
  const TWO = "tries of a request that waits in a queue";
  /** Q4 to WARN_ON: the jump over the call, by which an entry in no queue passes. */
  const JUMP = { after: `${mark(KICK.Q4)} 48 8b 57 18 48 39 c2`, was: "74 0d" };

  it.each(["bug", "f1"])("%s without a fault is sound, and wakes", async (variant) => {
    const { failure, broken, counts, warnings } = await runPlanted(case004, { ...spec, variant });
    expect([failure, broken, counts[WARN], warnings]).toEqual([undefined, undefined, 0, 0]);
    expect(counts["wake-ups"]).toBeGreaterThan(0);
  }, MINUTE);

  it("I004b: an entry that is taken out still points into the queue, says the kernel, too",
    async () => {
      // Q1 stores the `next` that was there (in RCX), as list_del() without _init() would leave it.
      const { failure, counts, warnings } = await runPlanted(case004, spec, replaced(WAKE, {
        after: `48 8b 4f 18 48 8b 57 20 48 89 51 08 48 89 0a ${mark(KICK.Q1)}`,
        was: "48 89 00", is: "48 89 08",
      }));
      expect(failure!.invariant).toBe("I004b");
      expect(failure!.moments!.used!.label).toBe(KICK.Q4);
      expect(counts[WARN]).toBeGreaterThan(0);
      expect(counts[WARN]).toBe(warnings);
    }, MINUTE);

  it("a kernel that warns of what is in no queue is broken, and no failure", async () => {
    const { failure, broken, counts, warnings } =
      await runPlanted(case004, spec, replaced(WAKE, { ...JUMP, is: "66 90" }));
    expect([failure, counts[WARN]]).toEqual([undefined, 0]);
    expect(warnings).toBe(counts["wake-ups"]);
    expect(broken)
      .toBe(`the kernel warned ${warnings} times, and the trace has 0 requests queued again`);
  }, MINUTE);

  it("I004c: who waits in a queue marks the request, too, and it is tried", async () => {
    // P3 finds the entry in a queue, and P4 comes all the same.
    const { failure, counts } = await runPlanted(case004, spec, replaced(TRY, {
      after: `${mark(KICK.P3)} 48 8b 43 68 48 39 c2`, was: "74", is: "eb",
    }));
    expect(failure).toMatchObject({
      invariant: "I004c", facts: { kind: "double (try in a queue)" },
    });
    expect(counts[TWO]).toBeGreaterThan(0);
  }, MINUTE);

  it("I004d: a worker gives up a reference that it has not taken", async () => {
    const { failure, counts } = await runPlanted(case004, { ...spec, variant: "f1" },
      replaced("__aio_run_iocbs", { was: "83 43 18 01", is: "0f 1f 40 00" }));
    expect(failure!.invariant).toBe("I004d");
    expect(failure!.what).toMatch(/^ki_users of a request becomes -1: there was no reference/);
    expect(counts["references given up that there were not"]).toBeGreaterThan(0);
  }, MINUTE);

  it("I004e: the wake function takes no page for the one that is waited for", async () => {
    const { failure, counts } = await runPlanted(case004, spec, replaced(WAKE, {
      after: "48 39 77 30", was: "74 0a", is: "66 90",
    }));
    expect(failure!.invariant).toBe("I004e");
    expect([counts["wake-ups"], counts["tries that had to wait"]])
      .toEqual([0, counts["requests that nobody tries again"]]);
  }, MINUTE);
});

describe("a fault", () => {
  const none = specOf("rhel16", "bug", "W004", 1);

  it.each<[string, Fault, RegExp]>([
    ["bytes", replaced("bio_put", { was: "0f 0b", is: "66 90" }), /stale: .* is there 0 times/],
    ["a call", withoutCall("bio_put", "dio_free"), /stale: it calls dio_free in 0 places/],
    ["a function", idle("no_such_function"), /stale: there is not one function/],
    ["one of several", idle("dio_bio_end_aio__bug"), /stale: there is not one function/],
  ])("that finds %s no longer says so", async (_, fault, why) => {
    await expect(runWith(case004, none, fault)).rejects.toThrow(why);
  });
});
