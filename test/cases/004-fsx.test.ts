// fsx of case 004 (workloads/user/w004-fsx.h) can tell a wrong kernel: one that leaves in the page
// cache what a direct write has replaced. That is a fault made here, in a copy of the kernel: the
// wrong variants of cases 002 to 004 do nothing that fsx sees in 100 operations a file. A wake-up
// comes near a try in one of some thousand requests, and the variants of 002 are wrong only where
// a command fails.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { case004 } from "../../src/cases/004.ts";
import type { CaseSpec, Findings } from "../../src/cases/case.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import { Machine } from "../../src/engine/machine.ts";
import { readElf } from "../../src/machine/elf.ts";
import { bytesAt, prebuilt } from "../guest/code.ts";

const RET = 0xc3;
const ROUNDS = 20;
const WRONG = "sectors that are not what was written";
const spec: CaseSpec = {
  machine: "rhel16", variant: "f1", workload: "W004f", pair: [0, 1], rounds: ROUNDS,
  memory: "tso", seed: 1n,
};

afterAll(() => Machine.shutdown());

/** A copy of the kernel, with a function that does nothing. */
function kernelWithout(idle?: string) {
  const name = "kernel";
  const bytes = new Uint8Array(readFileSync(join(prebuilt, "kernel.elf")));
  const elf = readElf(bytes, name);
  if (idle) bytesAt(elf, elf.symbols.get(idle)!.lin, 1)[0] = RET;
  return { name, bytes };
}

async function fsxOn(idle?: string): Promise<Findings> {
  const kernel = kernelWithout(idle);
  const machine = await Machine.create({ ...await optionsOf(case004, spec), kernel });
  let console = "";
  const onConsole = (bytes: Uint8Array) => (console += new TextDecoder().decode(bytes));
  const result = await machine.run({ onConsole });
  const found = case004.examine({ machine, spec, result, console });
  machine.close();
  return found;
}

describe("fsx", () => {
  it("finds nothing wrong with the kernel as it is", async () => {
    const { broken, counts } = await fsxOn();
    expect([broken, counts![WRONG]]).toEqual([undefined, 0]);
  });

  it("finds what a direct write leaves in the page cache", async () => {
    const { broken, counts } = await fsxOn("buffered_invalidate");
    expect(counts![WRONG]).toBeGreaterThan(0);
    expect(broken).toMatch(/^\d+ sectors are not what was written$/);
  });
});
