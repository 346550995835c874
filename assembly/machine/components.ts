// Hashes of the parts of a machine, to tell where two machines differ: each CPU, and each line with
// everything that is known of it: its bytes, the home agents' entry, every cache's copy.
import {
  CORE_L1D, CORE_L1I, M_CLUSTERS, M_CPUS, M_HOME_BASES, M_RAM_BASE, M_RAM_BYTES,
} from "../abi";
import { Line } from "../memory/cache";
import { Cluster, sharedOf } from "../memory/cluster";
import { Core, coreOf } from "../memory/core";
import { homeEntry } from "../memory/home";
import {
  l1Sets, l1Ways, l2Sets, l2Ways, loadParameters, param, sharedSets, sharedWays,
} from "../memory/params";
import { SharedLine } from "../memory/shared-cache";
import { beginHash, endHash, hashCpu, range, word } from "./hash";

const LINE_BYTES: usize = 64;
const HOME_ENTRY_BYTES: usize = 16;
/** Which cache a copy is in: CPU or cluster << 2 | one of these. */
const L1D: u64 = 0;
const L1I: u64 = 1;
const SHARED_CACHE: u64 = 2;
const L2: u64 = 3;

/** Registers, store buffer, misses, TLB, APIC, inbox and clock of a CPU. */
export function cpuHash(cpu: u32): u64 {
  loadParameters();
  beginHash(cpu);
  hashCpu(coreOf(cpu));
  return endHash();
}

/** A u32 for each line of RAM at `to`: 0 for a line of zeros that was never touched. */
export function lineHashes(to: usize): void {
  loadParameters();
  const ram = <usize>param(M_RAM_BASE);
  const lines = param(M_RAM_BYTES) / <u32>LINE_BYTES;
  for (let line: u32 = 0; line < lines; line++) {
    beginHash(0);
    range(ram + <usize>line * LINE_BYTES, LINE_BYTES);
    range(homeEntry(param(M_HOME_BASES), line), HOME_ENTRY_BYTES);
    store<u32>(to + (<usize>line << 2), <u32>(endHash() >> 32));
  }
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
    const core = coreOf(cpu);
    // The caches of a unit are with its first thread.
    if (Core.of(core).thread) continue;
    addLines(to, core + CORE_L1D, l1Sets * l1Ways, (<u64>cpu << 2) | L1D);
    addLines(to, core + CORE_L1I, l1Sets * l1Ways, (<u64>cpu << 2) | L1I);
    addLines(to, Core.of(core).l2, l2Sets * l2Ways, (<u64>cpu << 2) | L2);
  }
  for (let id: u32 = 0; id < param(M_CLUSTERS); id++) {
    const base = sharedOf(Cluster.of(id));
    for (let slot: u32 = 0; slot < sharedSets * sharedWays; slot++) {
      const line = SharedLine.at(base, slot);
      if (!line.state) continue;
      beginHash((<u64>id << 2) | SHARED_CACHE);
      word(slot);
      range(changetype<usize>(line), SharedLine.BYTES);
      add(to, line.tag);
    }
  }
}

function addLines(to: usize, base: usize, count: u32, cache: u64): void {
  for (let slot: u32 = 0; slot < count; slot++) {
    const line = Line.at(base, slot);
    if (!line.state) continue;
    beginHash(cache);
    word((<u64>slot << 8) | line.state);
    word(line.lru);
    add(to, line.tag);
  }
}

/** Adds the hash of a copy to that of its line: the sum does not depend on the order of caches. */
function add(to: usize, line: u32): void {
  const at = to + (<usize>line << 2);
  store<u32>(at, load<u32>(at) + <u32>(endHash() >> 32));
}
