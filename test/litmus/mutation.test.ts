// Planted bugs in the box's store buffer: a few litmus tests on clovertown see every one, as a
// state that x86-TSO forbids or as one that does not come up any more.
import { readFileSync } from "node:fs";
import { afterEach, expect, it, vi } from "vitest";
import { TimingEngine } from "../../src/engine/litmus/timing.ts";
import { Machine } from "../../src/engine/machine.ts";
import { DEFAULT_LAYOUT } from "../../src/litmus/assemble.ts";
import { buildMutant, type Mutant } from "../support/mutant.ts";
import { outside, ownTest, seen } from "./engines.ts";

const PORT = "assembly/memory/timing-port.ts";
const SYSTEM = "assembly/isa/system.ts";
const MFENCE = "if (op == Op.MFENCE && !portDrain(core, WAIT_FENCE_DRAIN)) return false;";
/** A variable of the test: the harness would not survive some of the bugs. */
const IN_TEST = `<u32>phys >= ${DEFAULT_LAYOUT.dataBase}`;
const MUTANTS: Mutant[] = [
  {
    name: "the youngest store drains first",
    file: "assembly/memory/store-buffer.ts",
    from: "  c.sbMask |= granules(<u32>phys, size);\n  if (mayHoldCode",
    to: `  c.sbMask |= granules(<u32>phys, size);
  if (c.sbCount > 1) {
    const h = Store.at(core, c.sbHead);
    e.phys = h.phys;
    e.size = h.size;
    e.value = h.value;
    h.phys = <u32>phys;
    h.size = <u8>size;
    h.value = value;
  }
  if (mayHoldCode`,
  },
  {
    name: "a load does not see the thread's own buffered store",
    file: PORT,
    from: "  for (let i = c.sbCount; i > 0; i--) {\n    const e",
    to: `  for (let i = c.sbCount; i > (${IN_TEST} ? 64 : 0); i--) {\n    const e`,
  },
  {
    name: "LOCK does not wait for the store buffer",
    file: PORT,
    from: "  if (!timingDrain(core, WAIT_LOCK_DRAIN)) return 0;\n",
    to: "",
  },
  { name: "MFENCE does not drain", file: SYSTEM, from: MFENCE, to: "" },
  {
    name: "SFENCE drains",
    file: SYSTEM,
    from: MFENCE,
    to: MFENCE.replace("op == Op.MFENCE", "(op == Op.MFENCE || op == Op.SFENCE)"),
  },
  {
    name: "a load that a store covers in part takes its bytes from memory",
    file: PORT,
    from: "      c.stall = STALL_PARTIAL;\n",
    to: `      if (${IN_TEST}) break;\n      c.stall = STALL_PARTIAL;\n`,
  },
];

const core = vi.hoisted(() => ({ file: "build/timing.wasm" }));
vi.mock("../../src/engine/host.ts", async (original) => ({
  ...(await original<typeof import("../../src/engine/host.ts")>()),
  coreModule: () => WebAssembly.compile(readFileSync(core.file)),
}));
afterEach(() => Machine.shutdown());

const RUNS = 3000;
const RELAXED = ["SB", "SB+sfences", "SB+lfences", "SB+rfis"];
const STRICT = ["MP", "CoWR", "SB+mfences", "SB+xchgs", "SB+lock-adds", "SB+overlap"];

/** What is wrong on the box of this build. */
async function faults(file: string): Promise<string[]> {
  core.file = file;
  const found: string[] = [];
  for (const name of [...RELAXED, ...STRICT]) {
    const test = await ownTest(name);
    const { lines, outcome } = await outside(test, new TimingEngine(), { runs: RUNS });
    found.push(...lines.map((line) => `${name}: ${line}`));
    if (RELAXED.includes(name) && !seen(test, outcome)) found.push(`${name}: never`);
  }
  return found;
}

it("without a planted bug nothing is wrong", async () => {
  expect(await faults("build/timing.wasm")).toEqual([]);
});

for (const mutant of MUTANTS) {
  it(mutant.name, { timeout: 600_000 }, async () => {
    const file = await buildMutant(mutant, "assembly/index.ts", "timing");
    expect(await faults(file)).not.toEqual([]);
  });
}
