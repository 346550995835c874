// Planted bugs in the memory system: the stress test must see every one of them.
import { expect, test } from "vitest";
import { type Mutant, buildMutant } from "../support/mutant.ts";
import { type Shape, runStress } from "./harness.ts";

const MUTANTS: Mutant[] = [
  {
    name: "a store commits to a Shared line",
    file: "assembly/memory/store-buffer.ts",
    from: "if (line.state < EXCLUSIVE) return null;",
    to: "",
  },
  {
    name: "a downgrade leaves the line owned",
    file: "assembly/memory/l1.ts",
    from: "l.state = SHARED;\n    } else {",
    to: "} else {",
  },
  {
    name: "forwarding from the oldest matching store",
    file: "assembly/memory/timing-port.ts",
    from: "const e = Store.at(core, c.sbHead + i - 1);",
    to: "const e = Store.at(core, c.sbHead + c.sbCount - i);",
  },
  {
    name: "the home agent forgets the sharers of an upgraded line",
    file: "assembly/memory/home.ts",
    from: "losers = others;",
    to: "losers = owned ? others : 0;",
  },
  {
    name: "a grant under way survives the loss of the line",
    file: "assembly/memory/losses.ts",
    from: "if (m.status != MSHR_GRANTED || m.home",
    to: "if (true || m.home",
  },
  {
    name: "evicting an old copy forgets the promised one",
    file: "assembly/memory/l1.ts",
    from: "if (shared && !findMshr(core, victim.tag)) {",
    to: "if (shared) {",
  },
  {
    name: "a locked access to a Shared line",
    file: "assembly/memory/timing-port.ts",
    from: "Line.at(core + CORE_L1D, slot).state >= EXCLUSIVE) {",
    to: "true) {",
  },
  {
    name: "an owner does not wait for copies on their way",
    file: "assembly/memory/home.ts",
    from: "e.done = max(e.done, grant);\n    e.hold = <u8>holdCycles;",
    to: "e.hold = <u8>holdCycles;",
  },
  {
    name: "the youngest store commits first",
    file: "assembly/memory/store-buffer.ts",
    from: "const e = Store.at(core, c.sbHead);\n  storeSized",
    to: "const e = Store.at(core, c.sbHead + c.sbCount - 1);\n  storeSized",
  },
  {
    name: "fetching a code line leaves the core's own copy owned",
    file: "assembly/memory/agent.ts",
    from: "loseLine(core, m.line, true, m.time);",
    to: "",
  },
  {
    name: "siblings keep a line that one of them upgrades",
    file: "assembly/memory/mesi.ts",
    from: "/* GETX  shared */ FROM_SIBLING_UPGRADE, 0 /*INVALID*/,",
    to: "/* GETX  shared */ FROM_SIBLING_UPGRADE, NOT_SNOOPED,",
  },
  {
    name: "a locked access does not drain the store buffer",
    file: "assembly/memory/timing-port.ts",
    from: "if (!timingDrain(core)) return 0;",
    to: "",
  },
];

const SHAPES: Shape[] = [
  {},
  { parameters: { M_L2_SETS: 16, M_L2_WAYS: 16, M_L1_SETS: 16, M_L1_WAYS: 2 } },
  {
    parameters: { M_CPUS: 16, M_CLUSTERS: 2 },
    clusterOf: (cpu) => cpu >> 3, packageOf: (cluster) => cluster, busOf: (cluster) => cluster,
  },
];

function survives(file: string): boolean {
  for (const shape of SHAPES) {
    for (const seed of [1, 2, 3]) {
      const run = runStress({ ...shape, seed, cycles: 100_000, file });
      if (run.error || run.counters.some((value, i) => value !== run.additions[i])) return false;
    }
  }
  return true;
}

for (const mutant of MUTANTS) {
  test(mutant.name, async () => {
    expect(survives(await buildMutant(mutant, "assembly/stress.ts", "stress"))).toBe(false);
  });
}

test("without a planted bug everything survives", () => {
  expect(survives("build/stress.wasm")).toBe(true);
});
