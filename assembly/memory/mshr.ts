// Outstanding misses of a core (miss status holding registers): a load or a fetch waits for one,
// the head of the store buffer for another, the stores behind it that asked early for one each. At
// most one for a line.
import { check } from "../check";
import { CORE_MSHR } from "../abi";
import { Core } from "./core";
import { NEVER } from "./protocol";

export const MSHR_FREE: u8 = 0;
export const MSHR_WAITING: u8 = 1;
export const MSHR_GRANTED: u8 = 2; // the line arrives at cycle `grant`

/**
 * Core block + CORE_MSHR + 40 * index.
 *
 *     0 | line u32 | 4 | kind, status, state, hold u8 | 8 | time | 16 | grant | 24 | home, local,
 *     source u8 | 32 | order | 40
 */
@unmanaged
export class Mshr {
  line: u32;
  /** GETS, GETI or GETX. */
  kind: u8;
  status: u8;
  /** MESI state that comes with the grant. */
  state: u8;
  /** Cycles for which the winner keeps the line once granted. */
  hold: u8;
  /** Cycle of the request. */
  time: u64;
  grant: u64;
  /**
   * 1: granted by the home agent, so a loss that concerns an earlier tenancy of the line does not
   * undo it.
   */
  home: u8;
  /** 1: granted by the unit's own private L2. */
  local: u8;
  /** Counters and traces only: where the line of a grant comes from, SERVED_* and HITM. */
  source: u8;
  pad1: u8;
  pad2: u32;
  /** Cluster.decisions when a grant inside the cluster was decided. */
  order: u64;
  static readonly BYTES: usize = 40;

  @inline static at(core: usize, index: u32): Mshr {
    return changetype<Mshr>(core + CORE_MSHR + <usize>index * Mshr.BYTES);
  }
}

/** Registers of a core: the stores of M_RFO_PREFETCH take up to 12 of them. */
export const MSHR_LIMIT: u32 = 24;

/** The register of `line`, or null. */
export function findMshr(core: usize, line: u32): Mshr | null {
  let left = Core.of(core).misses;
  for (let i: u32 = 0; left; i++) {
    const m = Mshr.at(core, i);
    if (m.status == MSHR_FREE) continue;
    if (m.line == line) return m;
    left--;
  }
  return null;
}

/** Takes a free register for a request made at cycle `time`. */
export function allocateMshr(core: usize, line: u32, kind: u8, hold: u8, time: u64): Mshr {
  Core.of(core).misses++;
  for (let i: u32 = 0; i < MSHR_LIMIT; i++) {
    const m = Mshr.at(core, i);
    if (m.status != MSHR_FREE) continue;
    m.line = line;
    m.kind = kind;
    m.status = MSHR_WAITING;
    m.hold = hold;
    m.time = time;
    m.grant = NEVER;
    m.home = 0;
    m.local = 0;
    return m;
  }
  check(false);
  return Mshr.at(core, 0);
}

/** The line of `m` will arrive at `grant` in `state`, from `source`. */
export function grantMshr(core: usize, m: Mshr, grant: u64, state: u8, source: u32): void {
  const c = Core.of(core);
  m.status = MSHR_GRANTED;
  m.grant = grant;
  m.state = state;
  m.source = <u8>source;
  if (grant < c.nextGrant) c.nextGrant = grant;
}

/** Sets Core.nextGrant from the registers. */
export function refreshNextGrant(core: usize): void {
  const c = Core.of(core);
  let next = NEVER;
  let left = c.misses;
  for (let i: u32 = 0; left; i++) {
    const m = Mshr.at(core, i);
    if (m.status == MSHR_FREE) continue;
    left--;
    if (m.status == MSHR_GRANTED && m.grant < next) next = m.grant;
  }
  c.nextGrant = next;
}

export function releaseMshr(core: usize, m: Mshr): void {
  m.status = MSHR_FREE;
  Core.of(core).misses--;
  refreshNextGrant(core);
}
