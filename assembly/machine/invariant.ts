// Single writer or multiple readers, and inclusion, over the whole machine: what the protocol
// promises at every window boundary. A test asks after any number of windows; the engine itself
// asks after each one while M_CHECK is set.
import { CORE_L1D, CORE_L1I, M_CLUSTERS, M_CPUS } from "../abi";
import { Line, NO_SLOT } from "../memory/cache";
import { Cluster, l2Of } from "../memory/cluster";
import { Core, coreOf } from "../memory/core";
import { codeBit, dataBit, findCode, findData } from "../memory/l1";
import { l1Sets, l1Ways, param } from "../memory/params";
import { EXCLUSIVE, INVALID } from "../memory/protocol";
import { SharedLine, findShared } from "../memory/shared-cache";

/** Which promise is broken. */
export const COHERENT: u32 = 0;
export const NOT_INCLUDED: u32 = 1; // an L1 line is missing in the shared cache
export const NOT_PRESENT: u32 = 2; // the shared cache does not know of an L1 line
export const CLUSTER_LACKS_RIGHT: u32 = 3; // an L1 owns what its cluster only shares
export const TWO_WRITERS: u32 = 4; // an owned line has another copy in the cluster
export const CLUSTERS_CONFLICT: u32 = 5; // a line is owned by one cluster and held by another

/** COHERENT, or the first broken promise | line << 8. */
export function coherence(): u64 {
  const cpus = param(M_CPUS);
  for (let cpu: u32 = 0; cpu < cpus; cpu++) {
    const core = coreOf(cpu);
    if (Core.of(core).thread) continue;
    for (let slot: u32 = 0; slot < l1Sets * l1Ways; slot++) {
      const data = Line.at(core + CORE_L1D, slot);
      const code = Line.at(core + CORE_L1I, slot);
      let broken = data.state != INVALID ? checkLine(core, data.tag, data.state, false) : COHERENT;
      if (broken) return ((<u64>data.tag) << 8) | broken;
      broken = code.state != INVALID ? checkLine(core, code.tag, code.state, true) : COHERENT;
      if (broken) return ((<u64>code.tag) << 8) | broken;
    }
  }
  return COHERENT;
}

function checkLine(core: usize, tag: u32, state: u8, code: bool): u32 {
  const c = Core.of(core);
  const found = findShared(l2Of(Cluster.of(c.cluster)), tag);
  if (!found) return NOT_INCLUDED;
  const shared = changetype<SharedLine>(changetype<usize>(found));
  if (state >= EXCLUSIVE) {
    if (shared.state < EXCLUSIVE) return CLUSTER_LACKS_RIGHT;
    for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
      const other = coreOf(cpu);
      if (Core.of(other).thread) continue;
      if (other != core && findData(other, tag) != NO_SLOT) return TWO_WRITERS;
      if (findCode(other, tag) != NO_SLOT) return TWO_WRITERS;
    }
  }
  // A hand-over that is decided but not yet due has already moved the presence bits: those lines
  // are exempt.
  const bit = code ? codeBit(c.unit) : dataBit(c.unit);
  if (!(shared.presence & bit) && !shared.done) return NOT_PRESENT;
  if (shared.state < EXCLUSIVE) return COHERENT;
  for (let id: u32 = 0; id < param(M_CLUSTERS); id++) {
    if (id != c.cluster && findShared(l2Of(Cluster.of(id)), tag)) return CLUSTERS_CONFLICT;
  }
  return COHERENT;
}
