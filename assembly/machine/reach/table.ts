// The set of states found so far: their strings one after another, an index for each, a hash table
// over them. Strings are compared in full: no two states are ever taken for one.
import { check } from "../../check";
import { STATE_BYTES } from "./state";

const NOBODY: u32 = 0xffffffff;

/**
 * A state:
 *
 *     0 | offset u32 | 4 | length u16 | settled u8 | mark u8 | 8 | parent u32 | 12 | rest u32 |
 *     16 | choice u64 | 24
 */
@unmanaged
export class State {
  offset: u32;
  length: u16;
  /** 1: nothing is under way. */
  settled: u8;
  mark: u8;
  /** The state that it was found from, by `choice`. */
  parent: u32;
  /** The state a window later if no CPU begins anything. */
  rest: u32;
  choice: u64;
  static readonly BYTES: usize = 24;

  @inline static at(index: u32): State {
    return changetype<State>(entries + <usize>index * State.BYTES);
  }
}

let entries: usize = 0;
let slots: usize = 0;
let slotMask: u32 = 0;
let strings: usize = 0;
let stringsUsed: u32 = 0;
let stringsLimit: u32 = 0;
let stateLimit: u32 = 0;

/** Number of states. */
export let allStates: u32 = 0;

// @ts-ignore: decorator
@inline
function slotsFor(states: u32): u32 {
  return <u32>1 << (33 - clz(states));
}

export function tableBytes(states: u32, bytes: u32): usize {
  return <usize>states * State.BYTES + <usize>slotsFor(states) * 8 + <usize>bytes;
}

/** An empty table for `states` states of together `bytes` bytes; the memory there is zero. */
export function openTable(base: usize, states: u32, bytes: u32): void {
  entries = base;
  slots = entries + <usize>states * State.BYTES;
  slotMask = slotsFor(states) - 1;
  strings = slots + <usize>slotsFor(states) * 8;
  stringsUsed = 0;
  stringsLimit = bytes;
  stateLimit = states;
  allStates = 0;
}

export function stateAt(index: u32): usize {
  return strings + State.at(index).offset;
}

/** There is no room for another state. */
export function tableFull(): bool {
  return allStates == stateLimit || stringsUsed + STATE_BYTES > stringsLimit;
}

function hashOf(at: usize, length: u32): u64 {
  let hash: u64 = 0x736d70626f78 ^ length;
  for (let i: u32 = 0; i + 8 <= length; i += 8) {
    hash = rotl((hash ^ load<u64>(at + i)) * 0x9e3779b97f4a7c15, 29);
  }
  for (let i = length & ~7; i < length; i++) {
    hash = rotl((hash ^ load<u8>(at + i)) * 0x9e3779b97f4a7c15, 29);
  }
  return (hash ^ (hash >>> 32)) * 0xbf58476d1ce4e5b9;
}

/** The index of the state with the string at `at`, which is added if it is new. */
export function insertState(
  at: usize, length: u32, settled: bool, parent: u32, choice: u64,
): u32 {
  const hash = hashOf(at, length);
  let slot = <u32>hash & slotMask;
  // A slot: the upper half of the hash, 1 + the index.
  for (; ; slot = (slot + 1) & slotMask) {
    const entry = load<u64>(slots + (<usize>slot << 3));
    if (!entry) break;
    const index = <u32>entry - 1;
    if (entry >>> 32 != hash >>> 32 || State.at(index).length != <u16>length) continue;
    if (memory.compare(stateAt(index), at, length) == 0) return index;
  }
  check(allStates < stateLimit && stringsUsed + length <= stringsLimit);
  const index = allStates++;
  const state = State.at(index);
  state.offset = stringsUsed;
  state.length = <u16>length;
  state.settled = <u8>settled;
  state.mark = 0;
  state.parent = parent;
  state.rest = NOBODY;
  state.choice = choice;
  memory.copy(strings + stringsUsed, at, length);
  stringsUsed += length;
  store<u64>(slots + (<usize>slot << 3), (hash & 0xffffffff00000000) | (index + 1));
  return index;
}

const SEEN: u8 = 1;
const RESTS: u8 = 2;

/**
 * From every state, a machine whose CPUs begin nothing more comes to rest: the index of the first
 * state of which that is not true, or the number of states.
 */
export function firstRestless(): u32 {
  for (let index: u32 = 0; index < allStates; index++) {
    let at = index;
    while (!State.at(at).mark) {
      State.at(at).mark = State.at(at).settled ? RESTS : SEEN;
      if (State.at(at).settled) break;
      at = State.at(at).rest;
      if (at == NOBODY) return index;
    }
    if (State.at(at).mark != RESTS) return index;
    for (let back = index; State.at(back).mark == SEEN; back = State.at(back).rest) {
      State.at(back).mark = RESTS;
    }
  }
  return allStates;
}
