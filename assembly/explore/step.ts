// One step of a thread: the access that it waits for, and everything after it up to the next access
// that another thread could notice. The instructions themselves are those of isa/; a step is an
// edge of the thread's graph (local-state.ts).
import {
  CORE_LIMIT_MASK, PENDING_END, PENDING_ENDLESS, PENDING_FAULT, PENDING_LOCK, PENDING_NONE,
  PENDING_STEP, RUN_HALTED, RUN_RUNNING,
} from "../abi";
import { Cpu, NO_EXCEPTION, PAGE, UD } from "../isa/cpu";
import { run } from "../isa/run";
import { allocate, arenaFull } from "../memory/arena";
import { Core } from "../memory/core";
import {
  PUSH_BYTES, beginAlone, beginInstruction, beginStep, endAlone, endInstruction,
  journalHasRoom, lockedSize, pending, privateStores, pushCount, pushes, restoreLatches, takeLocked,
  undoInstruction,
} from "../memory/explore-port";
import { REFUSED_STEP, bitsOf, conflict, refuse } from "../memory/granule";
import { logInstructions } from "../memory/replay-log";
import { Entry, entryOf } from "./buffer";
import {
  Edge, Local, captureLocal, copyState, latchedValues, resetOwned, restoreOwned,
} from "./local-state";
import { addFuture, addLink } from "./site";
import { threadAt } from "./thread";

/** Instructions of one step at most: more is a loop without an access to shared memory. */
const STEP_INSTRUCTIONS_MAX: u32 = 1000000;
/** A step ends after so many stores, so that the room it needs in the store buffer is known. */
export const STEP_STORES_MAX: u32 = 8;

let core: usize = 0;
export let instructions: u64 = 0;

/** The core block that all threads take turns in. */
export function openStep(at: usize): void {
  core = at;
  instructions = 0;
  seen = allocate(REGISTER_BYTES + FLAGS_BYTES);
}

export function resetInstructions(): void {
  instructions = 0;
}

export function stepCore(): usize {
  return core;
}

/** Registers and flags that a loop would have to bring back, and where in the step they were so. */
let seen: usize = 0;
const FLAGS_AT: usize = offsetof<Cpu>("fsBase");
const FLAGS_BYTES: usize = offsetof<Cpu>("cr0") - offsetof<Cpu>("fsBase");
const REGISTER_BYTES: usize = 128;

function remember(): void {
  memory.copy(seen, core, REGISTER_BYTES);
  memory.copy(seen + REGISTER_BYTES, core + FLAGS_AT, FLAGS_BYTES);
}

function sameAsSeen(): bool {
  return memory.compare(seen, core, REGISTER_BYTES) == 0 &&
    memory.compare(seen + REGISTER_BYTES, core + FLAGS_AT, FLAGS_BYTES) == 0;
}

/** Of the exception behind PENDING_FAULT. */
let faultVector: u32 = 0;
let faultAddress: u64 = 0;

/** Run to the next access that needs leave; why the thread stops there. */
function runOn(): u32 {
  const c = Core.of(core);
  const cpu = Cpu.of(core);
  // Brent's way to find a cycle: what the state is now is compared with what it was after 1, 2, 4,
  // 8.. instructions. With nothing written in between, the same registers are the same state.
  let mark: u32 = 1;
  let markRip: u64 = ~0;
  let markStores: u32 = 0;
  for (let n: u32 = 0; n < STEP_INSTRUCTIONS_MAX; n++) {
    c.clock = 0;
    c.stall = 0;
    store<u64>(core, ~0, CORE_LIMIT_MASK);
    beginInstruction(cpu.rip);
    run(core, 1);
    instructions++;
    if (conflict) return PENDING_NONE;
    if (c.stall) {
      undoInstruction();
      return pending;
    }
    const stopped = c.run != RUN_RUNNING && c.run != RUN_HALTED;
    if (cpu.pending != NO_EXCEPTION || stopped) {
      undoInstruction();
      faultVector = stopped ? UD : cpu.pending;
      faultAddress = faultVector == PAGE ? cpu.faultLin : 0;
      return PENDING_FAULT;
    }
    cpu.shadow = 0;
    if (c.run == RUN_HALTED) return PENDING_END;
    if (lockedSize(0)) return PENDING_LOCK;
    endInstruction();
    if (pushCount >= STEP_STORES_MAX) return PENDING_STEP;
    const stores = privateStores + pushCount;
    if (cpu.rip == markRip && stores == markStores && sameAsSeen()) return PENDING_ENDLESS;
    if (n + 1 == mark) {
      mark <<= 1;
      markRip = cpu.rip;
      markStores = stores;
      remember();
    }
  }
  refuse(REFUSED_STEP);
  return PENDING_NONE;
}

/** The entry of a locked store; 0 when there is none. */
function lockedEntry(part: u32, offset: u32): u32 {
  const size = lockedSize(part);
  if (!size) return 0;
  return changetype<u32>(entryOf(offset, size, takeLocked(part)));
}

/** The thread's step from `from` when its access reads (v1, v2). Null when the search must begin
 * again (granule.ts), or there is no memory left. */
function takeStep(from: Local, v1: u64, v2: u64): Edge | null {
  const t = threadAt(from.thread);
  begin(from, v1, v2);
  let locked1: u32 = 0;
  let locked2: u32 = 0;
  let kind = runOn();
  if (kind == PENDING_LOCK && lockedSize(0)) {
    // The access was made, and the step goes on behind it.
    locked1 = lockedEntry(0, from.offset1);
    locked2 = lockedEntry(1, from.offset2);
    endInstruction();
    kind = runOn();
  }
  if (conflict || arenaFull()) {
    resetOwned(t.index);
    return null;
  }
  const to = captureLocal(core, t, kind);
  if (kind == PENDING_FAULT) to.setFault(faultVector, faultAddress);
  resetOwned(t.index);
  return newEdge(from, to, v1, v2, locked1, locked2);
}

/** The thread's state into the core, its memory into RAM, leave for its access. */
function begin(from: Local, v1: u64, v2: u64): void {
  copyState(core, changetype<usize>(from) + Local.REGISTERS, false);
  Core.of(core).run = RUN_RUNNING;
  restoreOwned(from);
  beginStep(from.thread, from.pending, v1, v2);
  restoreLatches(from.latches, latchedValues(from), from.fenced != 0);
}

function newEdge(
  from: Local, to: Local, v1: u64, v2: u64, locked1: u32, locked2: u32,
): Edge {
  const count = pushCount;
  let mask: u64 = 0;
  // Entries first: a record is given back while it is the last.
  for (let i: u32 = 0; i < count; i++) {
    const push = pushes + <usize>i * PUSH_BYTES;
    const e = entryOf(load<u32>(push), load<u32>(push, 4), load<u64>(push, 8));
    store<u32>(push, changetype<u32>(e));
    mask |= bitsOf(e.offset, e.size);
  }
  const stores = allocate(<usize>count << 2);
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(stores + (<usize>i << 2), load<u32>(pushes + <usize>i * PUSH_BYTES));
  }
  const edge = changetype<Edge>(allocate(Edge.BYTES));
  edge.to = to;
  edge.v1 = v1;
  edge.v2 = v2;
  edge.locked1 = locked1;
  edge.locked2 = locked2;
  edge.pushes = count;
  edge.stores = <u32>stores;
  edge.mask = mask;
  edge.next = from.edges;
  from.edges = edge;
  learn(from, edge);
  return edge;
}

/** What the step tells of the places it joins. */
function learn(from: Local, edge: Edge): void {
  let writes = edge.mask;
  if (from.pending == PENDING_LOCK) writes |= from.mask;
  addFuture(from.site, from.mask, writes);
  const to = edge.to;
  addFuture(to.site, to.mask, to.pending == PENDING_LOCK ? to.mask : 0);
  addLink(from.site, to.site);
}

/** The step from `from` on reading (v1, v2), taken now if it never was. */
export function edgeOf(from: Local, v1: u64, v2: u64): Edge | null {
  let e = from.edges;
  while (e != null) {
    if (e.v1 == v1 && e.v2 == v2) return e;
    e = e.next;
  }
  return takeStep(from, v1, v2);
}

/** Take a known step again for the log of a replay. */
export function repeatStep(from: Local, v1: u64, v2: u64): void {
  logInstructions(true);
  begin(from, v1, v2);
  let kind = runOn();
  if (kind == PENDING_LOCK && lockedSize(0)) {
    takeLocked(0);
    if (lockedSize(1)) takeLocked(1);
    endInstruction();
    runOn();
  }
  logInstructions(false);
  resetOwned(from.thread);
}

/** A predicate that did not come to its end: a fault, or too long. */
const PREDICATE_FAILED: u64 = ~0;

/** What a guest function returns that begins as `state` and has RAM for itself. */
export function evaluate(state: usize): u64 {
  const c = Core.of(core);
  copyState(core, state, false);
  c.run = RUN_RUNNING;
  beginAlone();
  for (let n: u32 = 0; n < STEP_INSTRUCTIONS_MAX && journalHasRoom(); n++) {
    c.clock = 0;
    c.stall = 0;
    store<u64>(core, ~0, CORE_LIMIT_MASK);
    run(core, 1);
    if (c.stall || c.run != RUN_RUNNING || Cpu.of(core).pending != NO_EXCEPTION) break;
  }
  const halted = c.run == RUN_HALTED;
  const value = Cpu.of(core).rax;
  return endAlone() && halted ? value : PREDICATE_FAILED;
}

/** Where a thread begins: its state as the host left it in the core block. */
export function firstLocal(index: u32): Local | null {
  const t = threadAt(index);
  copyState(core, t.state, false);
  Core.of(core).run = RUN_RUNNING;
  beginStep(index, PENDING_NONE, 0, 0);
  // A state before the first instruction, whose only step leads to the first access.
  const first = captureLocal(core, t, PENDING_STEP);
  resetOwned(index);
  return first;
}

/** The store `index` of an edge. */
// @ts-ignore: decorator
@inline
export function storeOf(edge: Edge, index: u32): Entry {
  return changetype<Entry>(<usize>load<u32>(<usize>edge.stores + (<usize>index << 2)));
}
