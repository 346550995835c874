// fsx of case 004 (workloads/user/w004-fsx.h) can tell a wrong kernel: one that leaves in the page
// cache what a direct write has replaced. That is a fault made here, in a copy of the kernel: the
// wrong variants of cases 002 to 004 do nothing that fsx sees in 100 operations a file. A wake-up
// comes near a try in one of some thousand requests, and the variants of 002 are wrong only where
// a command fails.
import { afterAll, describe, expect, it } from "vitest";
import { case004 } from "../../src/cases/004.ts";
import type { CaseSpec } from "../../src/cases/case.ts";
import { Machine } from "../../src/engine/machine.ts";
import { type Fault, idle, runWith } from "../support/planted.ts";

const ROUNDS = 20;
const WRONG = "sectors that are not what was written";
const spec: CaseSpec = {
  machine: "rhel16", variant: "f1", workload: "W004f", pair: [0, 1], rounds: ROUNDS,
  memory: "tso", seed: 1n,
};

afterAll(() => Machine.shutdown());

async function fsxOn(...faults: Fault[]) {
  const { machine, broken, counts } = await runWith(case004, spec, ...faults);
  machine.close();
  return { broken, counts };
}

describe("fsx", () => {
  it("finds nothing wrong with the kernel as it is", async () => {
    const { broken, counts } = await fsxOn();
    expect([broken, counts![WRONG]]).toEqual([undefined, 0]);
  });

  it("finds what a direct write leaves in the page cache", async () => {
    const { broken, counts } = await fsxOn(idle("buffered_invalidate"));
    expect(counts![WRONG]).toBeGreaterThan(0);
    expect(broken).toMatch(/^\d+ sectors are not what was written$/);
  });
});
