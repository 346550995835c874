// The ops that the instruction loop (run.ts) does not do itself, to their families. Core.clock is
// true on entry and read again after; the last cycle of an instruction is the loop's.
import { M_COST_CPUID, M_COST_L1, M_COST_XCHG, RUN_UNIMPLEMENTED } from "../abi";
import { Core } from "../memory/core";
import { portDrain } from "../memory/port";
import { readUser, writeUser } from "./access";
import { neg, not } from "./alu";
import {
  compareExchange, compareExchangeWide, exchange, exchangeAdd, exchangeLocked,
} from "./atomic";
import { accessRights } from "./access-rights";
import {
  bitCount, bitScan, bitTest, byteSwap, moveSwapped, popcount, swapBytes,
} from "./bits";
import { bitManipulation } from "./bmi";
import {
  enter, jumpFar, jumpIfCountZero, leave16, loadFar, loop, moveToSegment, pop16, popFlags,
  popMemory,
  popSegment, push16, pushFlags, pushSegment, returnFar, returnImmediate,
} from "./control";
import {
  AF, BP, CF, Cpu, DB, DF, GP, PF, RAX, RDX, SF, UD, ZF, getReg, raise, setReg,
} from "./cpu";
import { cpuid } from "./cpuid";
import { UNCHECKED, interruptReturn } from "./exception";
import { carry, changeFlags, condition, getFlags, setCarry } from "./flags";
import { input, output } from "./io";
import { readMsr, writeMsr } from "./msr";
import { MUL_CYCLES, div, imulNarrow, mul } from "./muldiv";
import { addressOf, vectorOf } from "./operand-address";
import { ADDRESS32, Op, Rec } from "./record";
import { getSelector } from "./segment";
import { doubleShift, shift } from "./shift";
import { DONE, FAILED, JUMPED, stringOp } from "./string";
import {
  CLFLUSH_CYCLES, charge, fence, halt, invalidatePage, loadLdt, loadStatusWord, loadTable,
  loadTask, moveDr, moveFromCr, moveToCr, privileged, segmentBase, setInterruptFlag, storeTable,
  swapGs, systemCall, systemReturn, timeStamp,
} from "./system";

// @ts-ignore: decorator
@inline
function done(ok: bool): u32 {
  return ok ? DONE : FAILED;
}

// @ts-ignore: decorator
@inline
function jumped(ok: bool): u32 {
  return ok ? JUMPED : FAILED;
}

/** A conditional jump without prediction: LOOP, JRCXZ. */
function branch(core: usize, p: usize, taken: bool): u32 {
  if (!taken) return DONE;
  const cpu = Cpu.of(core);
  cpu.rip = cpu.line + <u64>(<i64>Rec.at(p).disp);
  return JUMPED;
}

/** INT n, INT3, INT1: an exception whose return address is behind the instruction. */
function softInterrupt(core: usize, p: usize, vector: u32, unchecked: u32 = 0): u32 {
  raise(core, vector);
  Cpu.of(core).softLength = Rec.at(p).len | unchecked;
  return FAILED;
}

/** A word to a register of the operand size or to memory: SLDT, STR, SMSW, MOV from Sreg. */
function storeWord(core: usize, p: usize, value: u32, toMemory: bool): u32 {
  const rec = Rec.at(p);
  if (toMemory) return done(writeUser(core, addressOf(core, p), 2, value, vectorOf(p)));
  if (rec.size == 2) setReg<u16>(core, rec.d, <u16>value);
  else setReg<u64>(core, rec.d, value);
  return DONE;
}

/** SETcc to memory */
function storeByte(core: usize, p: usize, value: bool): u32 {
  return done(writeUser(core, addressOf(core, p), 1, <u64>value, vectorOf(p)));
}

/** Instructions of programs. */
export function dispatch(core: usize, p: usize, op: u32, limit: u64): u32 {
  const rec = Rec.at(p);
  const cpu = Cpu.of(core);
  switch (op) {
    case Op.CMOV_16:
      if (condition(core, rec.cc)) setReg<u16>(core, rec.d, getReg<u16>(core, rec.s));
      return DONE;
    case Op.SETCC_M:
      return storeByte(core, p, condition(core, rec.cc));
    case Op.NEG_8: neg<i8>(core, p); return DONE;
    case Op.NEG_16: neg<i16>(core, p); return DONE;
    case Op.NOT_8: not<i8>(core, p); return DONE;
    case Op.NOT_16: not<i16>(core, p); return DONE;
    case Op.SHIFT: shift(core, p); return DONE;
    case Op.SHIFT_DOUBLE: doubleShift(core, p); return DONE;
    case Op.MOVZX_16: setReg<u16>(core, rec.d, getReg<u8>(core, rec.s)); return DONE;
    case Op.MOVSX_16: setReg<i16>(core, rec.d, getReg<i8>(core, rec.s)); return DONE;
    case Op.LEA_16: setReg<u16>(core, rec.d, <u16>addressOf(core, p)); return DONE;
    case Op.CBW: setReg<i16>(core, RAX, getReg<i8>(core, RAX)); return DONE;
    case Op.CWD: setReg<i16>(core, RDX, getReg<i16>(core, RAX) >> 15); return DONE;
    case Op.IMUL_RR_16:
      imulNarrow<i16>(core, rec.d, getReg<i16>(core, rec.d), getReg<i16>(core, rec.s));
      Core.of(core).clock += MUL_CYCLES - 1;
      return DONE;
    case Op.IMUL_RI_16:
      imulNarrow<i16>(core, rec.d, getReg<i16>(core, rec.s), <i16>rec.imm);
      Core.of(core).clock += MUL_CYCLES - 1;
      return DONE;
    case Op.MUL:
    case Op.IMUL:
      mul(core, p, op == Op.IMUL);
      Core.of(core).clock += MUL_CYCLES - 1;
      return DONE;
    case Op.DIV: return done(div(core, p, false));
    case Op.IDIV: return done(div(core, p, true));
    case Op.BT: case Op.BTS: case Op.BTR: case Op.BTC: bitTest(core, p, op); return DONE;
    case Op.BSF: bitScan(core, p, false); return DONE;
    case Op.BSR: bitScan(core, p, true); return DONE;
    case Op.TZCNT: bitCount(core, p, false); return DONE;
    case Op.LZCNT: bitCount(core, p, true); return DONE;
    case Op.MOVBE: moveSwapped(core, p); return DONE;
    case Op.MOVBE_M: {
      const value = swapBytes(getReg<u64>(core, rec.s), rec.size);
      return done(writeUser(core, addressOf(core, p), rec.size, value, vectorOf(p)));
    }
    case Op.ANDN: case Op.BLSR: case Op.BLSMSK: case Op.BLSI: case Op.BZHI: case Op.PEXT:
    case Op.PDEP: case Op.MULX: case Op.BEXTR: case Op.SHLX: case Op.SARX: case Op.SHRX:
    case Op.RORX:
      bitManipulation(core, p, op);
      return DONE;
    case Op.POPCNT: popcount(core, p); return DONE;
    case Op.BSWAP: byteSwap(core, p); return DONE;
    case Op.XCHG_RR: exchange(core, p); return DONE;
    case Op.XCHG_MR: exchangeLocked(core, p); charge(core, M_COST_XCHG); return DONE;
    case Op.XADD: exchangeAdd(core, p); return DONE;
    case Op.CMPXCHG: compareExchange(core, p); return DONE;
    case Op.CMPXCHG8B: return done(compareExchangeWide(core, p, 8));
    case Op.CMPXCHG16B: return done(compareExchangeWide(core, p, 16));
    case Op.MOVS: case Op.STOS: case Op.LODS: case Op.CMPS: case Op.SCAS: case Op.INS: case Op.OUTS:
      return stringOp(core, p, op, limit);
    case Op.PUSH_16: return done(push16(core, p));
    case Op.POP_16: return done(pop16(core, p));
    case Op.POP_M: return done(popMemory(core, p));
    case Op.PUSHF: return done(pushFlags(core, rec.size));
    case Op.POPF: return done(popFlags(core, rec.size));
    case Op.ENTER: return done(enter(core, p));
    case Op.LEAVE_16: return done(leave16(core));
    case Op.PUSH_SEG: return done(pushSegment(core, p));
    case Op.POP_SEG: return done(popSegment(core, p));
    case Op.RET_IMM: return jumped(returnImmediate(core, p));
    case Op.LOOP: return branch(core, p, loop(core, p));
    case Op.JRCXZ: return branch(core, p, jumpIfCountZero(core, p));
    case Op.CLC: setCarry(core, false); return DONE;
    case Op.STC: setCarry(core, true); return DONE;
    case Op.CMC: setCarry(core, !carry(core)); return DONE;
    case Op.CLD: cpu.rflags &= ~(<u64>DF); return DONE;
    case Op.STD: cpu.rflags |= DF; return DONE;
    case Op.LAHF: setReg<u8>(core, RAX + 1, <u8>(getFlags(core) | 2)); return DONE;
    case Op.SAHF: changeFlags(core, CF | PF | AF | ZF | SF, getReg<u8>(core, RAX + 1)); return DONE;
    case Op.XLAT: {
      const narrow = <u64>((<u32>rec.flags & ADDRESS32) != 0 ? 0xffffffff : ~0);
      const lin = ((cpu.rbx + getReg<u8>(core, RAX)) & narrow) + load<u64>(core + <usize>rec.s);
      const host = readUser(core, lin, 1, GP);
      if (!host) return FAILED;
      setReg<u8>(core, RAX, load<u8>(host));
      charge(core, M_COST_L1);
      return DONE;
    }
    case Op.PAUSE: case Op.MFENCE: case Op.SFENCE: case Op.LFENCE: return done(fence(core, op));
    case Op.CLFLUSH: {
      if (!readUser(core, addressOf(core, p), 1, vectorOf(p))) return FAILED;
      Core.of(core).clock += CLFLUSH_CYCLES - 1;
      return DONE;
    }
    case Op.CPUID:
      if (!portDrain(core)) return FAILED;
      cpuid(core);
      charge(core, M_COST_CPUID);
      return DONE;
    case Op.RDTSC: return done(timeStamp(core, false));
    case Op.RDTSCP: return done(timeStamp(core, true));
    case Op.UD: return done(raise(core, UD));
    case Op.TOO_LONG: return done(raise(core, GP, 0));
    case Op.INT3: return softInterrupt(core, p, BP);
    case Op.INT1: return softInterrupt(core, p, DB, UNCHECKED);
    case Op.INT: return softInterrupt(core, p, <u32>rec.imm);
    default: return dispatchSystem(core, p, op);
  }
}

/** Instructions of kernels. */
function dispatchSystem(core: usize, p: usize, op: u32): u32 {
  const rec = Rec.at(p);
  const cpu = Cpu.of(core);
  switch (op) {
    case Op.SYSCALL: return jumped(systemCall(core, cpu.line + rec.nextOff));
    case Op.SYSRET: return jumped(systemReturn(core, rec.size));
    case Op.IRET: return jumped(interruptReturn(core, rec.size));
    case Op.SWAPGS: return done(swapGs(core));
    case Op.CLI: return done(setInterruptFlag(core, false));
    case Op.STI: return done(setInterruptFlag(core, true));
    case Op.HLT: return done(halt(core));
    case Op.IN: return done(input(core, p));
    case Op.OUT: return done(output(core, p));
    case Op.MOV_SEG: return done(moveToSegment(core, p));
    case Op.MOV_FROM_SEG:
    case Op.MOV_FROM_SEG_M:
      return storeWord(core, p, getSelector(core, rec.cc), op == Op.MOV_FROM_SEG_M);
    case Op.LOAD_FAR: return done(loadFar(core, p));
    case Op.JMP_FAR: return jumped(jumpFar(core, p, false));
    case Op.CALL_FAR: return jumped(jumpFar(core, p, true));
    case Op.RET_FAR: return jumped(returnFar(core, p));
    case Op.MOV_FROM_CR: return done(moveFromCr(core, p));
    case Op.MOV_TO_CR: return done(moveToCr(core, p));
    case Op.MOV_FROM_DR: return done(moveDr(core, p, false));
    case Op.MOV_TO_DR: return done(moveDr(core, p, true));
    case Op.LGDT: case Op.LIDT: return done(loadTable(core, p, op));
    case Op.SGDT: case Op.SIDT: return done(storeTable(core, p, op));
    case Op.LLDT: return done(loadLdt(core, p));
    case Op.LTR: return done(loadTask(core, p));
    case Op.SLDT: case Op.SLDT_M: return storeWord(core, p, cpu.ldtr, op == Op.SLDT_M);
    case Op.STR: case Op.STR_M: return storeWord(core, p, cpu.tr, op == Op.STR_M);
    case Op.SMSW: case Op.SMSW_M: return storeWord(core, p, <u32>cpu.cr0, op == Op.SMSW_M);
    case Op.LAR: case Op.LSL: case Op.VERR: case Op.VERW: return done(accessRights(core, p, op));
    case Op.LMSW: return done(loadStatusWord(core, p));
    // There are no performance counters, so that ECX names none
    case Op.RDPMC: return done(raise(core, GP, 0));
    case Op.CLTS:
      if (!privileged(core)) return FAILED;
      cpu.cr0 &= ~8;
      return DONE;
    case Op.INVLPG: return done(invalidatePage(core, p));
    case Op.WBINVD: return done(privileged(core) && portDrain(core));
    case Op.RDMSR: return done(readMsr(core));
    case Op.WRMSR: return done(writeMsr(core));
    case Op.RDFSBASE: case Op.RDGSBASE: case Op.WRFSBASE: case Op.WRGSBASE:
      return done(segmentBase(core, p, op));
    default:
      Core.of(core).run = RUN_UNIMPLEMENTED;
      return FAILED;
  }
}
