// Loads, stores and read-modify-writes as the instruction loop (run.ts) does them: the common way
// in line, the other by a call (access.ts). The clock is a local of the loop: it is put into
// Core.clock before, and read again after.
import { CORE_LOAD_HITS, CORE_MEM, MACHINE_BASE, M_COST_L1 } from "../abi";
import { portReserve, portWrite } from "../memory/port";
import { loadSized } from "../memory/ram";
import {
  NO_FAST_WRITE, commitWrite, lockForWrite, readFast, readForWrite, readUser, writeFast, writeUser,
} from "./access";
import { Cpu, SSFAULT } from "./cpu";
import { addressOf, vectorOf } from "./operand-address";
import { ADDRESS32, Rec } from "./record";

/** Core.clock, with the core block's address as it is: the loop then keeps one base register. */
// @ts-ignore: decorator
@inline
export function clockOf(core: usize): u64 {
  return load<u64>(core, CORE_MEM);
}

// @ts-ignore: decorator
@inline
export function setClock(core: usize, clock: u64): void {
  store<u64>(core, clock, CORE_MEM);
}

/** A cost of the machine block. */
// @ts-ignore: decorator
@inline
export function cost(offset: i32): u64 {
  return <u64>load<u32>(MACHINE_BASE + <usize>offset);
}

/**
 * What a load found: its host address, and in the upper half the cycles that it took beyond an L1
 * hit. One value, so that the common way touches no clock in memory; 0 = stall or fault.
 */
export type Source = u64;

/** Cycles of a load, of which the instruction's own is one. */
// @ts-ignore: decorator
@inline
export function loaded(host: Source): u64 {
  return cost(M_COST_L1) - 1 + (host >> 32);
}

/** Loads that the port did not see. */
// @ts-ignore: decorator
@inline
export function countHit(core: usize, by: i64): void {
  store<u64>(core, load<u64>(core, CORE_LOAD_HITS) + <u64>by, CORE_LOAD_HITS);
}

/** The memory operand of record p for a load of T. */
// @ts-ignore: decorator
@inline
export function source<T>(core: usize, p: usize, clock: u64): Source {
  const lin = addressOf(core, p);
  const host = readFast(core, lin, sizeof<T>(), clock);
  return host ? <u64>host : sourceSlow(core, lin, sizeof<T>(), clock, vectorOf(p));
}

/** 8 bytes of the stack at `lin`. */
// @ts-ignore: decorator
@inline
export function stackSource(core: usize, lin: u64, clock: u64): Source {
  const host = readFast(core, lin, 8, clock);
  return host ? <u64>host : sourceSlow(core, lin, 8, clock, SSFAULT);
}

function sourceSlow(core: usize, lin: u64, size: u32, clock: u64, vector: u32): Source {
  setClock(core, clock);
  const host = <u64>readUser(core, lin, size, vector);
  // The loop counts it as a hit, but the port has counted it.
  if (host) countHit(core, -1);
  return host ? host | ((clockOf(core) - clock) << 32) : 0;
}

/** What a store came to: 1, and in the upper half the cycles beyond its own; 0 = stall or fault. */
export type Done = u64;

/** A store. */
// @ts-ignore: decorator
@inline
export function put(core: usize, lin: u64, size: u32, value: u64, clock: u64, vector: u32): Done {
  setClock(core, clock);
  const phys = writeFast(core, lin, size);
  if (phys == NO_FAST_WRITE) return putSlow(core, lin, size, value, clock, vector);
  if (!portReserve(core, 1)) return 0;
  portWrite(core, phys, size, value);
  return 1;
}

function putSlow(core: usize, lin: u64, size: u32, value: u64, clock: u64, vector: u32): Done {
  if (!writeUser(core, lin, size, value, vector)) return 0;
  return 1 | ((clockOf(core) - clock) << 32);
}

/** MOV to memory */
// @ts-ignore: decorator
@inline
export function putOperand(core: usize, p: usize, size: u32, value: u64, clock: u64): Done {
  return put(core, addressOf(core, p), size, value, clock, vectorOf(p));
}

/** MOV of an immediate to memory */
// @ts-ignore: decorator
@inline
export function putImmediate(core: usize, p: usize, clock: u64): Done {
  return putOperand(core, p, Rec.at(p).size, Rec.at(p).imm, clock);
}

/** PUSH of 64 bits */
// @ts-ignore: decorator
@inline
export function pushWord(core: usize, value: u64, clock: u64): Done {
  const lin = Cpu.of(core).rsp - 8;
  const done = put(core, lin, 8, value, clock, SSFAULT);
  if (done) Cpu.of(core).rsp = lin;
  return done;
}

/**
 * LDRMW: tmp0 := the operand, its store prepared. Room is made first: that may commit older stores,
 * after which alone the value in memory is the right one.
 */
export function loadForWrite(core: usize, p: usize, size: u32, clock: u64): bool {
  setClock(core, clock);
  const lin = addressOf(core, p);
  const phys = writeFast(core, lin, size);
  let host: usize = 0;
  if (phys != NO_FAST_WRITE) {
    if (!portReserve(core, 1)) return false;
    host = readFast(core, lin, size, clock);
    if (host) countHit(core, 1);
    Cpu.of(core).writePhys = phys;
    Cpu.of(core).writeSplit = 0;
  }
  if (!host) host = readForWrite(core, lin, size, vectorOf(p));
  if (!host) return false;
  Cpu.of(core).tmp0 = loadSized(host, size);
  return true;
}

/** STRMW: the store that loadForWrite() prepared. */
export function storePrepared(core: usize, size: u32, clock: u64): void {
  setClock(core, clock);
  const cpu = Cpu.of(core);
  if (cpu.writeSplit) commitWrite(core, size, cpu.tmp0);
  else portWrite(core, cpu.writePhys, size, cpu.tmp0);
}

/** LDLOCK: tmp0 := the operand, whose line is ours. */
export function loadLocked(core: usize, p: usize, size: u32, clock: u64): bool {
  setClock(core, clock);
  const host = lockForWrite(core, addressOf(core, p), size, vectorOf(p));
  if (!host) return false;
  Cpu.of(core).lockHost = <u32>host;
  Cpu.of(core).tmp0 = loadSized(host, size);
  return true;
}

/**
 * ADDRESS: tmp1 := the address that a record has no room for: segment, 32 bits, long displacement
 */
export function computeAddress(core: usize, p: usize): void {
  const rec = Rec.at(p);
  const index = load<u64>(core + <usize>rec.x) << <u64>rec.scale;
  let lin = load<u64>(core + <usize>rec.b) + index + <u64>rec.imm;
  if (<u32>rec.flags & ADDRESS32) lin &= 0xffffffff;
  Cpu.of(core).tmp1 = lin + load<u64>(core + <usize>rec.s);
}
