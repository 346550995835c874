// The addresses that a CPU executed last, for the report of a crash: what the last-branch records
// are on silicon (SDM Vol. 3B 17.4, "Last Branch, Interrupt, and Exception Recording"), but of each
// instruction. Written only while M_HISTORY is set, when the decoder puts a record for it before
// every instruction; otherwise there is none, and so no cost. It is outside the machine's state.
import {
  HISTORY_ENTRY_BYTES, HISTORY_HEADER_BYTES, M_CPUS, M_HISTORY, M_HISTORY_BASE,
} from "../abi";
import { Core } from "./core";
import { history, param } from "./params";

// @ts-ignore: decorator
@inline
function ringBytes(): usize {
  return <usize>(HISTORY_HEADER_BYTES + HISTORY_ENTRY_BYTES * <i32>param(M_HISTORY));
}

/** Bytes of the rings of all CPUs. */
export function historyBytes(): usize {
  return param(M_HISTORY) ? ringBytes() * <usize>param(M_CPUS) : 0;
}

/** Address of the instruction under way; 0 while none is remembered. */
export function ripNow(core: usize): u64 {
  if (!history) return 0;
  const ring = <usize>param(M_HISTORY_BASE) + ringBytes() * <usize>Core.of(core).cpu;
  const written = load<u64>(ring);
  if (!written) return 0;
  const last = <usize>((written - 1) % history) * HISTORY_ENTRY_BYTES;
  return load<u64>(ring + HISTORY_HEADER_BYTES + last);
}

/**
 * The instruction at `rip` begins, the `count`-th of its CPU. One that stalled and begins again is
 * one entry; one that faulted has the count of the next.
 */
export function remember(core: usize, rip: u64, count: u64): void {
  const ring = <usize>param(M_HISTORY_BASE) + ringBytes() * <usize>Core.of(core).cpu;
  const written = load<u64>(ring);
  const entries = ring + HISTORY_HEADER_BYTES;
  if (written) {
    const last = entries + <usize>((written - 1) % history) * HISTORY_ENTRY_BYTES;
    if (load<u64>(last) == rip && load<u64>(last, 8) == count) return;
  }
  const entry = entries + <usize>(written % history) * HISTORY_ENTRY_BYTES;
  store<u64>(entry, rip);
  store<u64>(entry, count, 8);
  store<u64>(ring, written + 1);
}
