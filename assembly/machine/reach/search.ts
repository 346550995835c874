// Every state that the memory system of a small machine can reach. A step is a window: before it,
// every CPU that is free begins one access at one of its cycles or none, and a cluster may evict a
// line from its shared cache; at its end the messages of the window come to the home agent in any
// order. All of them are tried from every state; the engine that runs the window is the real one.
import { check } from "../../check";
import { MACHINE_BASE, M_CLUSTERS, M_CPUS, M_NOW, RUN_RUNNING } from "../../abi";
import { Cluster, sharedOf } from "../../memory/cluster";
import { Core, coreOf } from "../../memory/core";
import { applyLosses } from "../../memory/losses";
import { Message, openOutbox } from "../../memory/message";
import { param, windowCycles } from "../../memory/params";
import { MSG_PUT } from "../../memory/protocol";
import { evictShared } from "../../memory/refill";
import { SharedLine, findShared } from "../../memory/shared-cache";
import { COHERENT, coherence } from "../invariant";
import { collect, messageAt, outboxOf } from "../mailbox";
import { dispatch, openWorker, runMine } from "../window";
import { Actor, OP_LIMIT, setWindowEnd } from "./actor";
import { directories } from "./directory";
import { SCRATCH_BYTES, STATE_BYTES, openState, putState, takeState } from "./state";
import { SHADOWS_BYTES, beginShadows, broken, endShadows, openShadows, violate } from "./shadow";
import {
  State, allStates, firstRestless, insertState, openTable, stateAt, tableBytes, tableFull,
} from "./table";

/** Any multiple of the window that leaves room for the past. */
const START_WINDOWS: u64 = 1000;
/** Messages of a window that are put into all orders; more keep their own. */
const ORDERED_LIMIT: u32 = 4;

let lines: u32 = 1;
let operations: u32 = 0;
let atOnce: u32 = 0;
let evictions: bool = false;
let anyOrder: bool = false;
let area: usize = 0;

/** Orders of the requests of the last window. */
let orders: u32 = 1;
/** The state under exploration and what is tried from it: where a trap or a violation was. */
export let current: u32 = 0;
export let choice: u64 = 0;
/** Windows tried so far. */
export let windows: u64 = 0;
/** CPUs that have no access under way in the current state. */
let free: u32 = 0;

/** A machine that is left alone does not come to rest: it lost an event, or turns in a circle. */
export const NEVER_RESTS: u32 = 96;
/** The memory for states is used up: nothing is shown. */
export const TOO_MANY_STATES: u32 = 97;

export function reachBytes(states: u32, bytes: u32): usize {
  return SCRATCH_BYTES + SHADOWS_BYTES + STATE_BYTES + tableBytes(states, bytes);
}

/** `most`: CPUs that may begin an access in one window. The machine is laid out and reset. */
export function openSearch(
  base: usize, lineCount: u32, ops: u32, most: u32, evict: bool, shuffle: bool, symmetric: bool,
  states: u32, bytes: u32,
): void {
  openWorker(0);
  lines = lineCount;
  operations = ops;
  atOnce = most;
  evictions = evict;
  anyOrder = shuffle;
  area = base;
  windows = 0;
  openState(base, lines, symmetric);
  openShadows(base + SCRATCH_BYTES, lines);
  openTable(base + SCRATCH_BYTES + SHADOWS_BYTES + STATE_BYTES, states, bytes);
  const now = START_WINDOWS * windowCycles;
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
    const c = Core.of(coreOf(cpu));
    c.run = RUN_RUNNING;
    c.clock = now;
  }
  store<u64>(MACHINE_BASE + M_NOW, now);
}

/** Where putState() writes. */
// @ts-ignore: decorator
@inline
export function fresh(): usize {
  return area + SCRATCH_BYTES + SHADOWS_BYTES;
}

// A choice: 6 bits a CPU (0: nothing, else 1 + (operation, line, cycle) as one number), from bit 48
// 6 bits for an eviction (0: none, else 1 + (cluster, line)), from bit 54 the order of messages.
const CPU_BITS: u64 = 6;
const EVICT_SHIFT: u64 = 48;
const ORDER_SHIFT: u64 = 54;

/** The machine as it was reset is state 0; then all others. Returns a broken rule or 0. */
export function search(): u32 {
  insertState(fresh(), putState(fresh(), load<u64>(MACHINE_BASE + M_NOW)), settled(), 0, 0);
  for (current = 0; current < allStates; current++) {
    takeState(stateAt(current), load<u64>(MACHINE_BASE + M_NOW));
    free = 0;
    for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
      if (!Actor.of(coreOf(cpu)).op) free |= 1 << cpu;
    }
    const wrong = tryAll(0, 0, 0);
    if (wrong) return wrong;
  }
  current = firstRestless();
  return current < allStates ? NEVER_RESTS : 0;
}

/** All choices in which the CPUs below `cpu` do what `chosen` says. */
function tryAll(cpu: u32, chosen: u64, begun: u32): u32 {
  if (cpu == param(M_CPUS)) return tryEvictions(chosen);
  let wrong = tryAll(cpu + 1, chosen, begun);
  if (begun == atOnce || !((free >>> cpu) & 1)) return wrong;
  const kinds = <u32>popcnt(operations) * lines * <u32>windowCycles;
  for (let kind: u32 = 1; kind <= kinds && !wrong; kind++) {
    wrong = tryAll(cpu + 1, chosen | (<u64>kind << (<u64>cpu * CPU_BITS)), begun + 1);
  }
  return wrong;
}

function tryEvictions(chosen: u64): u32 {
  let wrong = tryOrders(chosen);
  const kinds = evictions ? param(M_CLUSTERS) * lines : 0;
  for (let kind: u32 = 1; kind <= kinds && !wrong; kind++) {
    wrong = tryOrders(chosen | (<u64>kind << EVICT_SHIFT));
  }
  return wrong;
}

function tryOrders(chosen: u64): u32 {
  orders = 1;
  for (let order: u32 = 0; order < orders; order++) {
    choice = chosen | (<u64>order << ORDER_SHIFT);
    const now = load<u64>(MACHINE_BASE + M_NOW);
    takeState(stateAt(current), now);
    if (!step(choice)) continue;
    if (broken) return broken;
    if (tableFull()) return TOO_MANY_STATES;
    const length = putState(fresh(), now + windowCycles);
    const next = insertState(fresh(), length, settled(), current, choice);
    if (!choice) State.at(current).rest = next;
    store<u64>(MACHINE_BASE + M_NOW, now);
  }
  return 0;
}

/** One window of the machine as it is. False: the choice is none in this state. */
export function step(chosen: u64): bool {
  const start = load<u64>(MACHINE_BASE + M_NOW);
  const end = start + windowCycles;
  orders = 1;
  openOutbox(outboxOf(0, 0));
  if (!evict(<u32>(chosen >>> EVICT_SHIFT) & 63, start)) return false;
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
    const kind = <u32>(chosen >>> (<u64>cpu * CPU_BITS)) & 63;
    if (!begin(coreOf(cpu), kind, start, end)) return false;
  }
  beginShadows(start, end);
  setWindowEnd(end);
  runMine(start, end, 0);
  endShadows();
  const count = collect(0, 0);
  openOutbox(outboxOf(0, 1));
  if (!decide(count, end, <u32>(chosen >>> ORDER_SHIFT))) return false;
  store<u64>(MACHINE_BASE + M_NOW, end);
  windows++;
  const promise = <u32>coherence() & 0xff;
  if (promise != COHERENT) violate(promise);
  const directory = directories(lines);
  if (directory) violate(directory);
  return true;
}

/** Nothing is under way. */
function settled(): bool {
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
    const core = coreOf(cpu);
    const c = Core.of(core);
    if (Actor.of(core).op || c.sbCount || c.misses || c.stall) return false;
  }
  return true;
}

/** The CPU begins access `kind`, or sleeps through the window. */
function begin(core: usize, kind: u32, start: u64, end: u64): bool {
  const c = Core.of(core);
  const a = Actor.of(core);
  if (!kind) {
    if (!a.op) c.clock = max(c.clock, end);
    return true;
  }
  const cycle = start + <u64>(kind - 1) % windowCycles;
  const which = (kind - 1) / <u32>windowCycles;
  if (a.op || c.clock > cycle) return false;
  c.clock = cycle;
  a.op = operation(which / lines);
  a.line = which % lines;
  const cluster = Cluster.of(c.cluster);
  cluster.nextEvent = min(cluster.nextEvent, cycle);
  return true;
}

/** The `index`-th operation of the set. */
function operation(index: u32): u32 {
  for (let bit: u32 = 0; bit < OP_LIMIT; bit++) {
    if (!((operations >>> bit) & 1)) continue;
    if (!index--) return 1 << bit;
  }
  check(false);
  return 0;
}

/** A shared cache evicts a line, as for another that comes at the start of the window. */
function evict(kind: u32, start: u64): bool {
  if (!kind) return true;
  const cluster = Cluster.of((kind - 1) / lines);
  applyLosses(cluster, start);
  const found = findShared(sharedOf(cluster), (kind - 1) % lines);
  if (!found) return false;
  const s = changetype<SharedLine>(changetype<usize>(found));
  if (s.pending || s.done >= start) return false;
  evictShared(cluster, s, start);
  cluster.nextEvent = start;
  return true;
}

/**
 * Puts the messages of the window to the home agent in order `order`. False: there is no such
 * order, because what a cluster evicts it tells before it asks for anything.
 */
function decide(count: u32, end: u64, order: u32): bool {
  orders = 1;
  if (!anyOrder || count > ORDERED_LIMIT) {
    for (let i: u32 = 0; i < count; i++) dispatch(messageAt(0, i), end);
    return true;
  }
  // The digits of `order` in the factorial system choose one of those that are left.
  for (let left = count; left; left--) orders *= left;
  let done: u32 = 0;
  for (let left = count; left; left--) {
    const i = unset(done, order % left);
    order /= left;
    if (!mayPrecede(messageAt(0, i), count, done)) return false;
    done |= 1 << i;
    dispatch(messageAt(0, i), end);
  }
  return true;
}

/** The place of the `index`-th bit of `mask` that is not set. */
function unset(mask: u32, index: u32): u32 {
  let place: u32 = 0;
  for (; ; place++) {
    if ((mask >>> place) & 1) continue;
    if (!index--) break;
  }
  return place;
}

/** No eviction that `m`'s cluster told of is among the messages that are not `done`. */
function mayPrecede(m: Message, count: u32, done: u32): bool {
  if (m.kind == <u16>MSG_PUT) return true;
  for (let i: u32 = 0; i < count; i++) {
    const other = messageAt(0, i);
    if ((done >>> i) & 1 || other.kind != <u16>MSG_PUT) continue;
    if (other.destination == m.destination) return false;
  }
  return true;
}
