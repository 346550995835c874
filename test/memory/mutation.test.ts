// Planted bugs in the memory system: the stress test must see every one of them.
import { expect, test } from "vitest";
import { MEMORY_TSO_ADV, STOP_BUDGET } from "../../assembly/abi.ts";
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
    from: "if (toShared) l.state = SHARED;\n    else",
    to: "if (!toShared)",
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
    from: "} else if (m.home || m.order >= order) {",
    to: "} else if (true) {",
  },
  {
    name: "evicting an old copy forgets the promised one",
    file: "assembly/memory/l1.ts",
    from: "if (isPromised(core, line)) return;",
    to: "",
  },
  {
    name: "a locked access to a Shared line",
    file: "assembly/memory/timing-port.ts",
    from: "dataLine(core, slot).state >= EXCLUSIVE) {",
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
    name: "a store that asked early is written before its turn",
    file: "assembly/memory/store-buffer.ts",
    from: "if (ownedLine(core, c, tag) || findMshr(core, tag)) return true;",
    to: "const early = Store.at(core, c.sbHead + i);\n" +
      "if (ownedLine(core, c, tag)) storeSized(hostOf(early.phys), early.size, early.value);\n" +
      "if (ownedLine(core, c, tag) || findMshr(core, tag)) return true;",
  },
  {
    name: "a line asked for early is taken as owned before it is there",
    file: "assembly/memory/store-buffer.ts",
    from: "  ask(core, tag, GETX, <u8>holdCycles, time);\n  return true;",
    to: "  ask(core, tag, GETX, <u8>holdCycles, time);\n" +
      "const slot = findData(core, tag);\n" +
      "if (slot != NO_SLOT) Line.at(core + CORE_L1D, slot).state = EXCLUSIVE;\n  return true;",
  },
  {
    name: "an adversary that lets a younger store go first",
    file: "assembly/memory/store-buffer.ts",
    from: "      if (rfoPrefetch && askAhead(core, c, min(time, c.nextGrant - 1))) continue;\n",
    to: "const next = Store.at(core, c.sbHead + 1);\n" +
      "const slot = findData(core, next.phys >>> 6);\n" +
      "if (c.sbCount > 1 && next.ready <= time && slot != NO_SLOT &&\n" +
      "Line.at(core + CORE_L1D, slot).state >= EXCLUSIVE)\n" +
      "storeSized(hostOf(next.phys), next.size, next.value);\n" +
      "      if (rfoPrefetch && askAhead(core, c, min(time, c.nextGrant - 1))) continue;\n",
  },
  {
    name: "a locked access does not drain the store buffer",
    file: "assembly/memory/timing-port.ts",
    from: "if (!drainForLock(core, c)) return 0;",
    to: "",
  },
  {
    name: "the filter of the sibling is not dropped",
    file: "assembly/memory/l1.ts",
    from: "for (let t = <usize>Core.of(core).caches; t; t = nextThread(t)) filterDrop(t, line, slot);",
    to: "filterDrop(core, line, slot);",
  },
  {
    name: "the fetch filter of the sibling is not dropped",
    file: "assembly/memory/l1.ts",
    from: "for (let t = <usize>Core.of(core).caches; t; t = nextThread(t)) fetchFilterDrop(t, line);",
    to: "fetchFilterDrop(core, line);",
  },
  {
    name: "a sibling's fetch under way arrives beside the written line",
    file: "assembly/memory/agent.ts",
    from: "withdrawCode(cluster, core, m.line, m.time);",
    to: "",
  },
  {
    name: "a fetch does not wait for the line that the sibling is to write",
    file: "assembly/memory/agent.ts",
    from: "return kind == GETI && s.owner",
    to: "return false && s.owner",
  },
  {
    name: "a sibling's later grant downgrades the line",
    file: "assembly/memory/l1.ts",
    from: "if (fresh || l.state < state) l.state = state;",
    to: "l.state = state;",
  },
  {
    name: "a stall is not ended by what the sibling's access brings about",
    file: "assembly/memory/store-buffer.ts",
    from: "endStall(Core.of(sibling), other);",
    to: "",
  },
  {
    name: "the L2 drops a line and the L1 keeps it",
    file: "assembly/memory/l1.ts",
    from: "if (slot != NO_SLOT) dropData(core, dataLine(core, slot), slot);",
    to: "",
  },
  {
    name: "a loss spares the L2",
    file: "assembly/memory/l1.ts",
    from: "if (Core.of(core).l2 && losePrivate(core, line, toShared)) had = true;",
    to: "",
  },
  {
    name: "a promise of the L2 survives the loss of the line",
    file: "assembly/memory/losses.ts",
    from: "    if (toShared && m.kind != GETX) {\n      m.state = SHARED;\n      return;\n    }\n",
    to: "    return;\n",
  },
  {
    name: "the L2 drops a line and keeps its promises",
    file: "assembly/memory/refill.ts",
    from: "withdrawLocal(core, place.tag, time);",
    to: "",
  },
  {
    name: "the L2 lets a store through to a Shared line",
    file: "assembly/memory/agent.ts",
    from: "if (state < EXCLUSIVE) return false;",
    to: "",
  },
];

/** Everything is evicted now and then. */
const THREE_LEVELS = {
  M_L1_SETS: 8, M_L1_WAYS: 2, M_L2_SETS: 8, M_L2_WAYS: 4, M_L3_SETS: 8, M_L3_WAYS: 16,
  M_LAT_L2: 10, M_LAT_L3: 40,
};
const SHAPES: Shape[] = [
  {},
  { parameters: THREE_LEVELS },
  {
    parameters: { ...THREE_LEVELS, M_CPUS: 16 },
    clusterOf: (cpu) => cpu & 3, unitOf: (cpu) => (cpu >> 2) & 1,
  },
  {
    // A slow L2 of one way drops lines that it has just promised.
    parameters: { ...THREE_LEVELS, M_CPUS: 16, M_L2_SETS: 32, M_L2_WAYS: 1, M_LAT_L2: 30 },
    clusterOf: (cpu) => cpu & 3, unitOf: (cpu) => (cpu >> 2) & 1,
  },
  {
    parameters: { M_CPUS: 16, M_L2_SETS: 64, M_L2_WAYS: 16 },
    clusterOf: (cpu) => cpu & 3, unitOf: (cpu) => (cpu >> 2) & 1,
  },
  {
    parameters: { M_CPUS: 8, M_CLUSTERS: 2, M_WINDOW_CYCLES: 38 },
    clusterOf: (cpu) => cpu & 1, unitOf: (cpu) => (cpu >> 1) & 1, packageOf: (cluster) => cluster,
    busOf: (cluster) => cluster,
  },
  { parameters: { M_RFO_PREFETCH: 10 } },
  { parameters: { M_RFO_PREFETCH: 10, M_MEMORY_MODEL: MEMORY_TSO_ADV } },
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
      if (run.error || run.stop !== STOP_BUDGET) return false;
      if (run.counters.some((value, i) => value !== run.additions[i])) return false;
      if (run.core.fewest() < 20n) return false;
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
