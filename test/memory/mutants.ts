// Planted bugs in the memory system, and what must find each of them: the random stress, or the
// exploration of all states of a small machine.
import type { Mutant } from "../support/mutant.ts";

/** The random stress (stress.test.ts). */
export const STRESS = "stress";
/** The random stress with all loads recorded, which must change nothing. */
export const RECORDED = "stress, recorded";

export interface PlantedBug extends Mutant {
  /** STRESS, RECORDED, and the name of a small machine (reach-shapes.ts). */
  seenBy: string[];
}

export const MUTANTS: PlantedBug[] = [
  {
    name: "a store commits to a Shared line",
    seenBy: [STRESS, "two clusters of one core"],
    file: "assembly/memory/store.ts",
    from: "return line.state >= EXCLUSIVE ? line : null;",
    to: "return line;",
  },
  {
    name: "a downgrade leaves the line owned",
    seenBy: [STRESS, "two clusters of one core"],
    file: "assembly/memory/l1.ts",
    from: "      l.state = SHARED;\n    } else {",
    to: "    } else {",
  },
  {
    name: "forwarding from the oldest matching store",
    seenBy: [STRESS, "... two buffered stores, retired late, lines held"],
    file: "assembly/memory/timing-port.ts",
    from: "const e = Store.at(core, c.sbHead + i - 1);",
    to: "const e = Store.at(core, c.sbHead + c.sbCount - i);",
  },
  {
    name: "the home agent forgets the sharers of an upgraded line",
    seenBy: [STRESS, "two clusters of one core"],
    file: "assembly/memory/home.ts",
    from: "losers = others;",
    to: "losers = owned ? others : 0;",
  },
  {
    name: "a grant under way survives the loss of the line",
    seenBy: [STRESS, "two clusters of one core"],
    file: "assembly/memory/losses.ts",
    from: "} else if (m.home || m.order >= order) {",
    to: "} else if (true) {",
  },
  {
    name: "evicting an old copy forgets the promised one",
    seenBy: [STRESS, "two clusters of one core"],
    file: "assembly/memory/l1.ts",
    from: "const promise = promised(core, line);",
    to: "const promise: u8 = INVALID;",
  },
  {
    name: "a unit that drops an owned line keeps owning it if a Shared copy is promised to it",
    seenBy: [STRESS],
    file: "assembly/memory/l1.ts",
    from: "  if (s.owner != <u8>(c.unit + 1)) return;",
    to: "  if (promise != INVALID || s.owner != <u8>(c.unit + 1)) return;",
  },
  {
    name: "a locked access to a Shared line",
    seenBy: [STRESS, "two clusters of one core"],
    file: "assembly/memory/timing-port.ts",
    from: "dataLine(core, slot).state >= EXCLUSIVE) {",
    to: "true) {",
  },
  {
    name: "an owner does not wait for copies on their way",
    seenBy: [STRESS, "two clusters of one core"],
    file: "assembly/memory/home.ts",
    from: "e.done = max(e.done, grant);\n    e.hold = <u8>holdCycles;",
    to: "e.hold = <u8>holdCycles;",
  },
  {
    name: "the youngest store commits first",
    seenBy: [STRESS, "... two buffered stores, retired late, lines held"],
    file: "assembly/memory/store-buffer.ts",
    from: "const e = Store.at(core, c.sbHead);\n  storeSized",
    to: "const e = Store.at(core, c.sbHead + c.sbCount - 1);\n  storeSized",
  },
  {
    name: "fetching a code line leaves the core's own copy owned",
    seenBy: [STRESS, "two clusters of one core"],
    file: "assembly/memory/agent.ts",
    from: "loseLine(core, m.line, true, m.time, CAUSE_CODE);",
    to: "",
  },
  {
    name: "siblings keep a line that one of them upgrades",
    seenBy: [STRESS, "one cluster of two cores"],
    file: "assembly/memory/mesi.ts",
    from: "/* GETX  shared */ FROM_SIBLING_UPGRADE, 0 /*INVALID*/,",
    to: "/* GETX  shared */ FROM_SIBLING_UPGRADE, NOT_SNOOPED,",
  },
  {
    name: "a locked access does not drain the store buffer",
    seenBy: [STRESS, "... two buffered stores, retired late, lines held"],
    file: "assembly/memory/timing-port.ts",
    from: "if (!timingDrain(core, WAIT_LOCK_DRAIN)) return 0;",
    to: "",
  },
  {
    name: "the home agent forgets that a line was evicted",
    seenBy: ["two clusters of one core"],
    file: "assembly/memory/home.ts",
    from: "if (m.kind == MSG_PUT) {\n    e.sharers &= ~bit;",
    to: "if (m.kind == MSG_PUT) {",
  },
  {
    name: "a hand-over is decided without regard to the one before",
    seenBy: ["... windows of three cycles"],
    file: "assembly/memory/home.ts",
    from: "while (at <= e.done) at += windowCycles;",
    to: "",
  },
  {
    name: "a sibling's loss may come before the grant of what is lost",
    seenBy: ["one cluster of two cores"],
    file: "assembly/memory/agent.ts",
    from: "while (lossAt <= s.done) lossAt = nextQuantum(lossAt);",
    to: "",
  },
  {
    name: "a reader does not wait for the former owner",
    seenBy: ["three clusters of one core"],
    file: "assembly/memory/home.ts",
    from: "if (!queues) grant = max(grant, e.done);",
    to: "",
  },
  {
    name: "an eviction leaves the copies in the L1s",
    seenBy: [STRESS, "two clusters of one core"],
    file: "assembly/memory/refill.ts",
    from: "loseLine(core, line, false, start, CAUSE_INCLUSION);\n    withdrawGrant",
    to: "withdrawGrant",
  },
  {
    name: "an eviction leaves promised copies",
    seenBy: ["two clusters of one core"],
    file: "assembly/memory/refill.ts",
    from: "withdrawGrants(cluster, core, line, false, start, NEVER);\n  }\n  cancel",
    to: "}\n  cancel",
  },
  {
    name: "a line that comes owned leaves the siblings' copies",
    seenBy: [STRESS, "clusters of two cores and of one"],
    file: "assembly/memory/refill.ts",
    from: "loseLine(unitAt(cluster, unit), m.line, false, start, CAUSE_SIBLING_WRITES);",
    to: "",
  },
  {
    name: "a withdrawn request is not made again",
    seenBy: ["one cluster of two cores"],
    file: "assembly/memory/losses.ts",
    from: "enqueue(cluster, m.line, m.kind, Core.of(core).slot, m.hold, time);",
    to: "",
  },
  {
    name: "a loss is not withdrawn from a younger tenancy",
    seenBy: [STRESS, "one cluster of two cores"],
    file: "assembly/memory/losses.ts",
    from: "loss.home ? NEVER : loss.order);",
    to: "NEVER);",
  },
  {
    name: "an owner in E is not told of a reader",
    seenBy: [STRESS, "two clusters of one core"],
    file: "assembly/memory/home.ts",
    from: "e.owner = alone ? <u8>(cluster + 1) : 0;",
    to: "e.owner = 0;",
  },
  {
    name: "two requests of a cluster for a line at the home agent",
    seenBy: [STRESS, "one cluster of two cores"],
    file: "assembly/memory/agent.ts",
    from: "if (isPending(cluster, r.line) || (shared &&",
    to: "if ((shared &&",
  },
  {
    name: "a request does not wait for the hand-over before it",
    seenBy: [STRESS, "... hand-overs that take longer than a quantum"],
    file: "assembly/memory/agent.ts",
    from: "const start = max(m.time, s.done);",
    to: "const start = m.time;",
  },
  {
    name: "a store that asked early is written before its turn",
    seenBy: [STRESS],
    file: "assembly/memory/store-requests.ts",
    imports: 'import { hostOf, storeSized } from "./ram";\n',
    from: "if (hasAsked(core, c, i)) return true;",
    to: "const early = Store.at(core, c.sbHead + i);\n" +
      "if (ownedLine(core, early)) storeSized(hostOf(early.phys), early.size, early.value);\n" +
      "if (hasAsked(core, c, i)) return true;",
  },
  {
    name: "a line asked for early is taken as owned before it is there",
    seenBy: [STRESS],
    file: "assembly/memory/store-requests.ts",
    imports: 'import { NO_SLOT } from "./cache";\nimport { dataLine, findData } from "./l1";\n' +
      'import { EXCLUSIVE } from "./protocol";\n',
    from: "  ask(core, tag, GETX, <u8>holdCycles, time);\n  return true;",
    to: "  ask(core, tag, GETX, <u8>holdCycles, time);\n" +
      "const slot = findData(core, tag);\n" +
      "if (slot != NO_SLOT) dataLine(core, slot).state = EXCLUSIVE;\n  return true;",
  },
  {
    name: "an adversary that lets a younger store go first",
    seenBy: [STRESS],
    file: "assembly/memory/store-buffer.ts",
    from: "      if (rfoPrefetch && askAhead(core, c, min(time, c.nextGrant - 1))) continue;\n",
    to: "const next = Store.at(core, c.sbHead + 1);\n" +
      "if (c.sbCount > 1 && next.ready <= time && ownedLine(core, next))\n" +
      "storeSized(hostOf(next.phys), next.size, next.value);\n" +
      "      if (rfoPrefetch && askAhead(core, c, min(time, c.nextGrant - 1))) continue;\n",
  },
  {
    name: "the filter of the sibling is not dropped",
    seenBy: [STRESS],
    file: "assembly/memory/l1.ts",
    from: "nextThread(t)) filterDrop(t, line, slot);",
    to: "0) filterDrop(t, line, slot);",
  },
  {
    name: "the fetch filter of the sibling is not dropped",
    seenBy: [STRESS],
    file: "assembly/memory/l1.ts",
    from: "nextThread(t)) fetchFilterDrop(t, line);",
    to: "0) fetchFilterDrop(t, line);",
  },
  {
    name: "a sibling's fetch under way arrives beside the written line",
    seenBy: [STRESS],
    file: "assembly/memory/agent.ts",
    from: "withdrawCode(cluster, core, m.line, m.time);",
    to: "",
  },
  {
    name: "a fetch has a copy of the private L2 that a sibling is to write",
    seenBy: [STRESS],
    file: "assembly/memory/agent.ts",
    from: "|| promisedOwned(core, m.line)",
    to: "",
  },
  {
    name: "a fetch has a copy of the private L2 that is to go",
    seenBy: [STRESS],
    file: "assembly/memory/agent.ts",
    from: "if (losesLine(Cluster.of(c.cluster), m.line, c.unit)) return false;",
    to: "",
  },
  {
    name: "a fetch does not wait for the line that the sibling is to write",
    seenBy: [STRESS],
    file: "assembly/memory/agent.ts",
    from: "return kind == GETI && s.owner",
    to: "return false && s.owner",
  },
  {
    name: "a sibling's later grant downgrades the line",
    seenBy: [STRESS],
    file: "assembly/memory/l1.ts",
    from: "if (fresh || l.state < state) l.state = state;",
    to: "l.state = state;",
  },
  {
    name: "a stall is not ended by what the sibling's access brings about",
    seenBy: [STRESS],
    file: "assembly/memory/store-buffer.ts",
    from: "endStall(Core.of(sibling), other);",
    to: "",
  },
  {
    name: "the L2 drops a line and the L1 keeps it",
    seenBy: [STRESS],
    file: "assembly/memory/l1.ts",
    from: "if (slot != NO_SLOT) dropData(core, dataLine(core, slot), slot, time, CAUSE_INCLUSION);",
    to: "",
  },
  {
    name: "a loss spares the L2",
    seenBy: [STRESS],
    file: "assembly/memory/l1.ts",
    from: "if (Core.of(core).l2 && losePrivate(core, line, toShared, time, cause)) had = true;",
    to: "",
  },
  {
    name: "a promise of the L2 survives the loss of the line",
    seenBy: [STRESS],
    file: "assembly/memory/losses.ts",
    from: "    if (toShared && m.kind != GETX) {\n      m.state = SHARED;\n      return;\n    }\n",
    to: "    return;\n",
  },
  {
    name: "the L2 drops a line and keeps its promises",
    seenBy: [STRESS],
    file: "assembly/memory/refill.ts",
    from: "withdrawLocal(core, place.tag, time);",
    to: "",
  },
  {
    name: "the L2 lets a store through to a Shared line",
    seenBy: [STRESS],
    file: "assembly/memory/agent.ts",
    from: "if (state < EXCLUSIVE) return false;",
    to: "",
  },
  {
    name: "instructions run ahead of a store that asks for its line",
    seenBy: [RECORDED],
    file: "assembly/machine/step.ts",
    from: "min(nextArrival(core), nextAsk(core))",
    to: "nextArrival(core)",
  },
  {
    name: "a store that is going to ask for its line lets them run on",
    seenBy: [RECORDED],
    file: "assembly/memory/store-buffer.ts",
    from: "if (!ownedLine(core, e)) store<u64>(core, 0, CORE_LIMIT_MASK);",
    to: "",
  },
  {
    name: "instructions run ahead of a store that asks before its turn",
    seenBy: [RECORDED],
    file: "assembly/memory/store-requests.ts",
    from: "if (rfoPrefetch && ahead == NEVER) {",
    to: "if (false) {",
  },
];
