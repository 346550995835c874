// The exported functions of the test engine: one CPU, or a few that take turns, on flat memory.
import { CORE_LIMIT_MASK, RUN_PARKED, RUN_RUNNING } from "./abi";
import { lapicReset } from "./device/lapic";
import { CR4_FSGSBASE, Cpu, resetLongMode, setCpl } from "./isa/cpu";
import { execute } from "./isa/execute";
import { decodeBytes, openDecode } from "./isa/fetch";
import { Core } from "./memory/core";
import { fetchFilterFlush } from "./memory/fetch-filter";
import { loadParameters } from "./memory/params";
import { Accesses } from "./isa/accesses";
import { decodeAccesses, decodeLength, decodeRow } from "./isa/decode";
import { setFlatSegments } from "./isa/segment";

export { resetLongMode, decodeBytes, openDecode, loadParameters, decodeLength, decodeRow };
export { getFlags, setFlags } from "./isa/flags";
export { setCpl };

/** A core block fresh from reset, parked. */
export function resetCore(core: usize, id: u32): void {
  lapicReset(core, id, id == 0);
  Core.of(core).cpu = id;
  Core.of(core).run = RUN_PARKED;
}

/** The host wrote to memory: code is fetched again. */
export function forgetCode(core: usize): void {
  fetchFilterFlush(core);
}

/** Run until the clock reaches `limit`; returns Core.run. */
export function run(core: usize, limit: u64): u32 {
  const c = Core.of(core);
  c.stall = 0;
  while (c.clock < limit && c.run == RUN_RUNNING && !c.stall) {
    store<u64>(core, ~0, CORE_LIMIT_MASK);
    execute(core, limit);
  }
  return c.run;
}

/** Run `count` instructions, or until the CPU cannot go on. Returns Core.run. */
export function step(core: usize, count: u32): u32 {
  const c = Core.of(core);
  for (let i: u32 = 0; i < count && c.run == RUN_RUNNING; i++) run(core, c.clock + 1);
  return c.run;
}

/** As resetLongMode(), but in ring 3, where programs may read and write their segment bases. */
export function resetUser(core: usize, rip: u64, cr3: u64, cs: u32, ss: u32): void {
  resetLongMode(core, rip, 0, cr3);
  const cpu = Cpu.of(core);
  setFlatSegments(core, cs, ss);
  cpu.ds = cpu.es = 0;
  cpu.cr4 |= CR4_FSGSBASE;
  setCpl(core, 3);
}

/** decodeAccesses() of `count` instructions, `stride` bytes from one to the next. */
export function decodeAccessesOf(at: usize, stride: usize, count: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i++) decodeAccesses(at + i * stride, out + i * Accesses.BYTES);
}
