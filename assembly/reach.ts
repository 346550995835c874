// Entry of the build target "reach": the timing engine's memory system and windows with accesses
// chosen one by one, so that every state of the protocol is reached (machine/reach/search.ts).
import { MACHINE_BASE, M_NOW } from "./abi";
import { fresh, openSearch, reachBytes } from "./machine/reach/search";
import { putState, takeState } from "./machine/reach/state";
import { State, stateAt } from "./machine/reach/table";
import { layout, reset } from "./machine/topology";

export { choice, current, fresh, search, step, windows } from "./machine/reach/search";
export { broken } from "./machine/reach/shadow";
export { allStates } from "./machine/reach/table";

let base: usize = 0;

/** Bytes of memory for the machine and for a search of so many states. */
export function layoutBytes(states: u32, bytes: u32): u32 {
  base = layout();
  return <u32>(base + reachBytes(states, bytes));
}

/** After layoutBytes() with the same limits; the memory is zero but for the machine block. */
export function setup(
  lines: u32, operations: u32, atOnce: u32, evictions: bool, anyOrder: bool, symmetric: bool,
  states: u32, bytes: u32,
): void {
  reset();
  openSearch(base, lines, operations, atOnce, evictions, anyOrder, symmetric, states, bytes);
}

// For the way to a state, and for machines that go on window by window.

export function parentOf(index: u32): u32 {
  return State.at(index).parent;
}

export function choiceOf(index: u32): u64 {
  return State.at(index).choice;
}

/** Makes the machine state `index`. */
export function restore(index: u32): void {
  takeState(stateAt(index), load<u64>(MACHINE_BASE + M_NOW));
}

/** Writes the machine's string to fresh(); its length. */
export function write(): u32 {
  return putState(fresh(), load<u64>(MACHINE_BASE + M_NOW));
}

/** Makes the machine what the string at fresh() says. */
export function read(): void {
  takeState(fresh(), load<u64>(MACHINE_BASE + M_NOW));
}
