// The state of one thread without its store buffer: registers, the memory that it alone uses, the
// values latched by an unfinished instruction; and what it is about to do. Equal states are one
// record, so that a thread becomes a graph: a node, and an edge for every value that the access it
// is about to make can read. Instructions run once for each edge, however often it is taken.
import { PENDING_END, PENDING_LOAD, PENDING_LOCK, PENDING_SLEEP } from "../abi";
import { CPU_STATE, CPU_STATE_RANGES, Cpu } from "../isa/cpu";
import { getFlags, setFlags } from "../isa/flags";
import { allocate } from "../memory/arena";
import {
  fenced, latchCount, latches, pending, pendingOffset, pendingOffset2, pendingSize, pendingSize2,
} from "../memory/explore-port";
import { bitsOf, ownedCount, ownedHost, ownedInitial } from "../memory/granule";
import { Table, intern, openTable } from "../memory/intern";
import { Site, siteOf } from "./site";
import { Thread } from "./thread";

/**
 *      0 | hash | 4 | pending: PENDING_* | 8 | offset1 size1 offset2 size2 (of PENDING_FAULT: its
 *     vector in size1, a page fault's address from offset2 on) | 24 | mask u64: shared words of the
 *     pending access | 32 | rip u64 | 40 | site | 44 | edges: first edge |
 *     48 | words: length of the key | 52 | thread u8, latches u8, fenced u8 | 56 | owned u32 | 60 |
 *     registers.. | latched values.. | values of the words that it owns..
 *
 * The key begins at `words`. Owned words beyond `owned` have their initial values.
 */
@unmanaged
export class Local {
  hash: u32;
  pending: u32;
  offset1: u32;
  size1: u32;
  offset2: u32;
  size2: u32;
  mask: u64;
  rip: u64;
  site: Site;
  edges: Edge | null;
  words: u32;
  thread: u8;
  latches: u8;
  fenced: u8;
  pad: u8;
  owned: u32;
  static readonly REGISTERS: usize = 60;

  /** Of PENDING_FAULT, which makes no access: its vector, and a page fault's address. */
  setFault(vector: u32, lin: u64): void {
    this.size1 = vector;
    store<u64>(changetype<usize>(this) + offsetof<Local>("offset2"), lin);
  }

  @inline static at(p: usize): Local { return changetype<Local>(p); }
}

/**
 * What a thread does when its pending access reads (v1, v2): locked stores at once, buffered ones
 * in order, then the state `to`.
 *
 *     0 | next | 4 | to | 8 | v1 u64 | 16 | v2 u64 | 24 | locked1 | 28 | locked2 | 32 | pushes |
 *     36 | stores: entry u32 and rip.. | 40 | mask u64 of the stores | 48
 */
@unmanaged
export class Edge {
  next: Edge | null;
  to: Local;
  v1: u64;
  v2: u64;
  locked1: u32;
  locked2: u32;
  pushes: u32;
  stores: u32;
  mask: u64;
  static readonly BYTES: usize = 48;
}

let table: Table = changetype<Table>(0);
let stateBytes: usize = 0;

export function openLocals(): void {
  table = openTable();
  stateBytes = 0;
  for (let i: usize = 0; i < CPU_STATE_RANGES; i++) {
    stateBytes += load<u32>(CPU_STATE + 8 * i, 4) - load<u32>(CPU_STATE + 8 * i);
  }
}

export function localCount(): u32 {
  return table.count;
}

/** The bytes of Cpu that are state, to or from `at`. */
export function copyState(core: usize, at: usize, save: bool): void {
  for (let i: usize = 0; i < CPU_STATE_RANGES; i++) {
    const from = load<u32>(CPU_STATE + 8 * i);
    const bytes = load<u32>(CPU_STATE + 8 * i, 4) - from;
    if (save) memory.copy(at, core + from, bytes);
    else memory.copy(core + from, at, bytes);
    at += bytes;
  }
}

export function cpuStateBytes(): usize {
  return stateBytes;
}

/** Put a thread's own memory into RAM. */
export function restoreOwned(local: Local): void {
  const thread = <u32>local.thread;
  const values = changetype<usize>(local) + Local.REGISTERS + stateBytes +
    (<usize>local.latches << 3);
  const count = local.owned;
  for (let i: u32 = 0; i < count; i++) {
    store<u64>(ownedHost(thread, i), load<u64>(values + (<usize>i << 3)));
  }
}

export function latchedValues(local: Local): usize {
  return changetype<usize>(local) + Local.REGISTERS + stateBytes;
}

/** RAM as the program began. */
export function resetOwned(thread: u32): void {
  const count = ownedCount(thread);
  for (let i: u32 = 0; i < count; i++) store<u64>(ownedHost(thread, i), ownedInitial(thread, i));
}

/**
 * Below the red zone of its stack a thread keeps nothing: what lies there is forgotten, or every
 * path to the same place would be a state of its own.
 */
function dropDeadStack(core: usize, t: Thread): void {
  const rsp = Cpu.of(core).rsp;
  if (!t.stackBytes || rsp - t.stackLin > <u64>t.stackBytes) return;
  const dead = <i64>(rsp - t.stackLin) - 128;
  const count = ownedCount(t.index);
  for (let i: u32 = 0; i < count; i++) {
    const at = <i64>ownedHost(t.index, i) - <i64>t.stackHost;
    if (at >= 0 && at + 8 <= dead) store<u64>(ownedHost(t.index, i), ownedInitial(t.index, i));
  }
}

/** At its end only the registers that somebody asks for count. */
function dropRegisters(core: usize, t: Thread): void {
  for (let r: u32 = 0; r < 16; r++) {
    if (!((t.observed >> r) & 1)) store<u64>(core + (<usize>r << 3), 0);
  }
  setFlags(core, 0);
  Cpu.of(core).rip = 0;
}

/** The thread's state now; its access is the port's `pending`, unless `kind` says another. */
export function captureLocal(core: usize, t: Thread, kind: u32): Local {
  const rip = Cpu.of(core).rip;
  dropDeadStack(core, t);
  if (kind == PENDING_END) dropRegisters(core, t);
  else setFlags(core, getFlags(core));
  let count = ownedCount(t.index);
  while (count > 0) {
    const last = count - 1;
    if (load<u64>(ownedHost(t.index, last)) != ownedInitial(t.index, last)) break;
    count--;
  }
  const held = kind == pending ? latchCount : 0;
  // First, because the record is given back when there is an equal one.
  const site = siteOf(t.index, kind == PENDING_END ? 0 : rip);
  const bytes = Local.REGISTERS + stateBytes + (<usize>(held + count) << 3);
  const local = Local.at(allocate(bytes));
  const base = changetype<usize>(local);
  local.pending = kind;
  local.offset1 = local.size1 = local.offset2 = local.size2 = 0;
  if (kind == PENDING_LOAD || kind == PENDING_LOCK || kind == PENDING_SLEEP) {
    local.offset1 = pendingOffset;
    local.size1 = pendingSize;
    local.offset2 = pendingOffset2;
    local.size2 = pendingSize2;
  }
  local.mask = bitsOf(local.offset1, local.size1) | bitsOf(local.offset2, local.size2);
  local.rip = rip;
  local.site = site;
  local.edges = null;
  local.words = <u32>((bytes - offsetof<Local>("words")) >> 2);
  local.thread = <u8>t.index;
  local.latches = <u8>held;
  local.fenced = held || kind == pending ? <u8>fenced : 0;
  local.pad = <u8>kind;
  local.owned = count;
  copyState(core, base + Local.REGISTERS, true);
  let at = base + Local.REGISTERS + stateBytes;
  memory.copy(at, latches, <usize>held << 3);
  at += <usize>held << 3;
  for (let i: u32 = 0; i < count; i++) {
    store<u64>(at + (<usize>i << 3), load<u64>(ownedHost(t.index, i)));
  }
  return Local.at(intern(table, base, offsetof<Local>("words"), local.words));
}
