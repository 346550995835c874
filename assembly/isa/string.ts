// String instructions (SDM Vol. 1 7.3.9, "String Operations"). One iteration is the unit: registers
// advance after each, so that a fault, a stall or the end of the quantum between two leaves a state
// to go on from, and an interrupt is taken there.
import { CORE_LIMIT_MASK, MACHINE_BASE, M_COST_L1 } from "../abi";
import { Core } from "../memory/core";
import { portIo, portReserve, portWrite } from "../memory/port";
import { loadSized } from "../memory/ram";
import {
  NO_FAST_WRITE, commitWrite, prepareToRam, readFast, readUser, writeFast, writeUser,
} from "./access";
import { Cpu, DF, GP, RAX, RCX, RDI, RF, RSI, getReg, setReg } from "./cpu";
import { keepSub } from "./flags";
import { ioAllowed } from "./io";
import { countHit } from "./load-store";
import { ADDRESS32, Op, Rec, REP, REPNE } from "./record";

// What an instruction did (dispatch.ts passes it on to run.ts)
/** Nothing: it stalls or faulted. */
export const FAILED: u32 = 0;
/** It is complete. */
export const DONE: u32 = 1;
/** It went elsewhere: Cpu.rip. */
export const JUMPED: u32 = 2;
/** Some iterations were done, more are to come; this one may be interrupted. */
export const PARTLY: u32 = 3;

/** An address or count register, of 64 or 32 bits by the address size. */
// @ts-ignore: decorator
@inline
function pointer(core: usize, p: usize, register: u32): u64 {
  const narrow = (<u32>Rec.at(p).flags & ADDRESS32) != 0;
  return narrow ? <u64>getReg<u32>(core, register) : getReg<u64>(core, register);
}

function setPointer(core: usize, p: usize, register: u32, value: u64): void {
  if (<u32>Rec.at(p).flags & ADDRESS32) setReg<u32>(core, register, <u32>value);
  else setReg<u64>(core, register, value);
}

function advance(core: usize, p: usize, register: u32): void {
  const size = <u64>Rec.at(p).size;
  const step = Cpu.of(core).rflags & DF ? 0 - size : size;
  setPointer(core, p, register, pointer(core, p, register) + step);
}

// @ts-ignore: decorator
@inline
function sourceAt(core: usize, p: usize): usize {
  const rec = Rec.at(p);
  const lin = pointer(core, p, RSI) + load<u64>(core + <usize>rec.s);
  const host = readFast(core, lin, rec.size, Core.of(core).clock);
  if (!host) return readUser(core, lin, rec.size, GP);
  countHit(core, 1);
  return host;
}

function signedOf(value: u64, size: u32): i64 {
  const unused = <i64>(64 - (size << 3));
  return <i64>value << unused >> unused;
}

/** A store to [RDI]. */
// @ts-ignore: decorator
@inline
function writeDestination(core: usize, p: usize, size: u32, value: u64): bool {
  const lin = pointer(core, p, RDI);
  const phys = writeFast(core, lin, size);
  if (phys == NO_FAST_WRITE) return writeUser(core, lin, size, value, GP);
  if (!portReserve(core, 1)) return false;
  portWrite(core, phys, size, value);
  return true;
}

/** rAX or its low part := value */
function setAccumulator(core: usize, size: u32, value: u64): void {
  if (size == 1) setReg<u8>(core, RAX, <u8>value);
  else if (size == 2) setReg<u16>(core, RAX, <u16>value);
  else if (size == 4) setReg<u32>(core, RAX, <u32>value);
  else setReg<u64>(core, RAX, value);
}

/** The operands of CMPS and SCAS are kept in tmp0 and tmp1 until flags are made of them. */
function keepOperands(core: usize, a: u64, b: u64, size: u32): void {
  const cpu = Cpu.of(core);
  cpu.tmp0 = <u64>signedOf(a, size);
  cpu.tmp1 = <u64>signedOf(b, size);
}

// @ts-ignore: decorator
@inline
function differ(core: usize): bool {
  return Cpu.of(core).tmp0 != Cpu.of(core).tmp1;
}

/** The flags of the last iteration. */
function compare(core: usize, size: u32): void {
  const x = <i64>Cpu.of(core).tmp0;
  const y = <i64>Cpu.of(core).tmp1;
  keepSub(core, x, y, signedOf(<u64>(x - y), size));
}

/** One iteration, registers included, but for the flags. */
function once(core: usize, p: usize, op: u32): bool {
  const size = <u32>Rec.at(p).size;
  switch (op) {
    case Op.MOVS: {
      const host = sourceAt(core, p);
      if (!host) return false;
      const value = loadSized(host, size);
      if (!writeDestination(core, p, size, value)) return false;
      advance(core, p, RSI);
      advance(core, p, RDI);
      return true;
    }
    case Op.STOS:
      if (!writeUser(core, pointer(core, p, RDI), size, getReg<u64>(core, RAX), GP)) return false;
      advance(core, p, RDI);
      return true;
    case Op.LODS: {
      const host = sourceAt(core, p);
      if (!host) return false;
      setAccumulator(core, size, loadSized(host, size));
      advance(core, p, RSI);
      return true;
    }
    case Op.CMPS: {
      let host = sourceAt(core, p);
      if (!host) return false;
      const a = loadSized(host, size);
      host = readUser(core, pointer(core, p, RDI), size, GP);
      if (!host) return false;
      keepOperands(core, a, loadSized(host, size), size);
      advance(core, p, RSI);
      advance(core, p, RDI);
      return true;
    }
    case Op.SCAS: {
      const host = readUser(core, pointer(core, p, RDI), size, GP);
      if (!host) return false;
      keepOperands(core, getReg<u64>(core, RAX), loadSized(host, size), size);
      advance(core, p, RDI);
      return true;
    }
    default: return portOnce(core, p, op, size);
  }
}

/** INS, OUTS */
function portOnce(core: usize, p: usize, op: u32, size: u32): bool {
  const port = <u32>getReg<u16>(core, 16);
  if (!ioAllowed(core, port, size)) return false;
  const c = Core.of(core);
  if (op == Op.OUTS) {
    const host = sourceAt(core, p);
    if (!host) return false;
    if (!portIo(core, port, size, true, loadSized(host, size))) return false;
    advance(core, p, RSI);
    return true;
  }
  // The destination first: a fault after the input would lose what was read.
  if (!prepareToRam(core, pointer(core, p, RDI), size, GP)) return false;
  if (!portIo(core, port, size, false, 0)) return false;
  commitWrite(core, size, c.ioValue);
  advance(core, p, RDI);
  return true;
}

// @ts-ignore: decorator
@inline
function reads(op: u32): bool {
  return op != Op.STOS && op != Op.INS;
}

/**
 * What an interrupt or a trap between two iterations saves has RF set (SDM Vol. 3B 17.3.1.1,
 * "Instruction-Breakpoint Exception Condition"). Nobody else can see it: no instruction is between.
 */
function markUnderWay(core: usize): void {
  Cpu.of(core).rflags |= RF;
}

/** Any string instruction, with or without a repeat prefix, until `limit`. */
export function stringOp(core: usize, p: usize, op: u32, limit: u64): u32 {
  const flags = <u32>Rec.at(p).flags;
  const compares = op == Op.CMPS || op == Op.SCAS;
  if (!(flags & (REP | REPNE))) {
    if (!once(core, p, op)) return FAILED;
    if (compares) compare(core, Rec.at(p).size);
    if (reads(op)) Core.of(core).clock += load<u32>(MACHINE_BASE + M_COST_L1) - 1;
    return DONE;
  }
  const c = Core.of(core);
  const all = pointer(core, p, RCX);
  let count = all;
  if (!count) {
    // On silicon MOVS and STOS put their 32-bit pointers back all the same.
    if (op == Op.MOVS) setPointer(core, p, RSI, pointer(core, p, RSI));
    if (op == Op.MOVS || op == Op.STOS) setPointer(core, p, RDI, pointer(core, p, RDI));
    return DONE;
  }
  do {
    if (!once(core, p, op)) {
      if (count != all) markUnderWay(core);
      return FAILED;
    }
    if (reads(op)) c.clock += load<u32>(MACHINE_BASE + M_COST_L1) - 1;
    setPointer(core, p, RCX, --count);
    // The last iteration is paid for by the instruction loop, as every instruction
    if (!count || (compares && differ(core) == ((flags & REP) != 0))) {
      // Not before: at a fault the flags are those from before the instruction (SDM Vol. 2B, "REP")
      if (compares) compare(core, Rec.at(p).size);
      Cpu.of(core).rflags &= ~(<u64>RF);
      return DONE;
    }
    c.clock += 1;
  } while (c.clock < limit && load<u64>(core, CORE_LIMIT_MASK));
  markUnderWay(core);
  return PARTLY;
}
