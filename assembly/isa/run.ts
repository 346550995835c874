// The instruction loop: one dense switch over decoded records (record.ts). The clock, the record,
// the line and the count of instructions live in locals; everything else in memory. A handler ends
// with `break` at the end of its instruction, with `continue` after a micro-operation, and leaves p
// = 0 and the target in `rip` for a jump.
// Costs: one cycle an instruction, a load what an L1 hit costs, the others as named; the port adds
// the rest.
import {
  CORE_LIMIT_MASK, ENGINE_EXPLORE, ENGINE_TIMING, MACHINE_BASE, M_COST_CALL, M_COST_L1, M_COST_LOCK,
  M_TRACE,
} from "../abi";
import { Core } from "../memory/core";
import { remember } from "../memory/history";
import { storeSized } from "../memory/ram";
import { onMark } from "../memory/trace";
import {
  adc, add, and, cmp, dec, inc, neg, not, or, regD, regS, sbb, setD, sub, test, xor,
} from "./alu";
import { passMark, writeLocked } from "./access";
import { bitOffset } from "./bits";
import { Cpu, GP, RAX, canonical, raise } from "./cpu";
import { decodeMore } from "./decode";
import { dispatch } from "./dispatch";
import { fetchCrossing, fetchFirst, fetchTarget, follow } from "./fetch";
import {
  belowOrEqual, carry, condition, less, lessOrEqual, negative, overflow, parity, zero,
} from "./flags";
import {
  Done, clockOf, computeAddress, cost, loadForWrite, loadLocked, loaded, pushWord, putImmediate,
  putOperand, setClock,
  source,
  stackSource, storePrepared,
} from "./load-store";
import { MUL_CYCLES, imulNarrow, imulWide } from "./muldiv";
import { addressOf } from "./operand-address";
import { CONTINUES, Op, Rec, REC_BYTES } from "./record";
import { sar, shl, shr } from "./shift";
import { DONE, JUMPED } from "./string";

// @ts-ignore: decorator
@inline
function immediate<T>(p: usize): T {
  return load<T>(p, offsetof<Rec>("imm"));
}

// @ts-ignore: decorator
@inline
function jumpTarget(base: u64, p: usize): u64 {
  return base + <u64>(<i64>Rec.at(p).disp);
}

/**
 * #GP(0) for a target that is not canonical, before the jump (SDM Vol. 1 3.3.7.1, "Canonical
 * Addressing").
 */
// @ts-ignore: decorator
@inline
function checkTarget(core: usize, target: u64): bool {
  return canonical(target) ? true : raise(core, GP, 0);
}

/** A near CALL of a target that is not canonical: as on silicon it stores, and then faults. */
function callNowhere(core: usize, back: u64, clock: u64): void {
  const rsp = Cpu.of(core).rsp;
  if (!pushWord(core, back, clock)) return;
  Cpu.of(core).rsp = rsp;
  raise(core, GP, 0);
}

/** In the count of instructions: a load was done, too. One local for both costs one addition. */
const LOADED: u64 = 1 << 32;

/** Counts what was done since the loop was entered. */
// @ts-ignore: decorator
@inline
function tally(core: usize, count: u64): void {
  const c = Core.of(core);
  c.instructions += count & (LOADED - 1);
  c.loadHits += count >> 32;
}

/** Leave before the instruction of record p; Core.clock is true. */
function stop(core: usize, base: u64, p: usize, count: u64): void {
  Cpu.of(core).rip = base + Rec.at(p).off;
  tally(core, count);
}

/** Leave before the instruction at `rip`. */
function stopAt(core: usize, rip: u64, clock: u64, count: u64): void {
  setClock(core, clock);
  Cpu.of(core).rip = rip;
  tally(core, count);
}

/**
 * The walk for the page of the next instruction took the CPU to its limit: it must look around
 * before that instruction's loads, which go past the store buffer where they hit the filter. The
 * other engines have no time.
 */
// @ts-ignore: decorator
@inline
function late(clock: u64, limit: u64): bool {
  return ENGINE == ENGINE_TIMING && clock >= limit;
}

/**
 * Run from Cpu.rip while the clock is below `limit`, or until a stall, a fault, or what execute()
 * must look at.
 */
export function run(core: usize, limit: u64): void {
  let rip = Cpu.of(core).rip;
  let p = fetchFirst(core, rip);
  if (!p) return;
  let base = rip & ~63;
  Cpu.of(core).line = base;
  let clock = clockOf(core);
  if (late(clock, limit)) return;
  let count: u64 = 0;
  let done: Done = 0;
  for (;;) {
    const op = <u32>load<u16>(p);
    switch (op) {
      // ---- Micro-operations ----
      case Op.NEXT:
        // A jump that is no instruction: undo what the end of one will count.
        rip = base + Rec.at(p).off;
        p = follow(core, base, rip, p);
        if (p) {
          base = Cpu.of(core).line = rip & ~63;
          p += REC_BYTES;
          continue;
        }
        count--;
        clock--;
        break;
      case Op.JOIN: p = <usize>Rec.at(p).aux; continue;
      case Op.CROSS: {
        setClock(core, clock);
        if (!fetchCrossing(core, base, p)) return stop(core, base, p, count);
        clock = clockOf(core);
        if (late(clock, limit)) return stop(core, base, p, count);
        p += REC_BYTES;
        continue;
      }
      case Op.MORE: p = decodeMore(<usize>Rec.at(p).aux, Rec.at(p).off); continue;
      case Op.ADDRESS: computeAddress(core, p); p += REC_BYTES; continue;
      case Op.BIT_ADDRESS:
        Cpu.of(core).tmp1 = addressOf(core, p) + bitOffset(core, p);
        p += REC_BYTES;
        continue;
      case Op.MARK:
        if (ENGINE == ENGINE_EXPLORE) {
          if (!passMark(core, <u32>Rec.at(p).disp)) return stop(core, base, p, count);
        }
        if (load<u32>(MACHINE_BASE + M_TRACE)) {
          setClock(core, clock);
          onMark(core, <u32>Rec.at(p).disp);
        }
        p += REC_BYTES;
        continue;
      case Op.HISTORY:
        remember(core, base + Rec.at(p).off, Core.of(core).instructions + count);
        p += REC_BYTES;
        continue;
      case Op.LD_8: {
        const host = source<u8>(core, p, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        store<u64>(core + <usize>Rec.at(p).d, load<u8>(<usize>host));
        clock += loaded(host) + 1;
        p += REC_BYTES;
        continue;
      }
      case Op.LD_16: {
        const host = source<u16>(core, p, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        store<u64>(core + <usize>Rec.at(p).d, load<u16>(<usize>host));
        clock += loaded(host) + 1;
        p += REC_BYTES;
        continue;
      }
      case Op.LD_32: {
        const host = source<u32>(core, p, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        store<u64>(core + <usize>Rec.at(p).d, load<u32>(<usize>host));
        clock += loaded(host) + 1;
        p += REC_BYTES;
        continue;
      }
      case Op.LD_64: {
        const host = source<u64>(core, p, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        store<u64>(core + <usize>Rec.at(p).d, load<u64>(<usize>host));
        clock += loaded(host) + 1;
        p += REC_BYTES;
        continue;
      }
      case Op.LDRMW:
        if (!loadForWrite(core, p, Rec.at(p).size, clock)) return stop(core, base, p, count);
        clock = clockOf(core) + cost(M_COST_L1);
        p += REC_BYTES;
        continue;
      case Op.LDLOCK:
        if (!loadLocked(core, p, Rec.at(p).size, clock)) return stop(core, base, p, count);
        clock = clockOf(core);
        p += REC_BYTES;
        continue;
      case Op.STRMW:
        storePrepared(core, Rec.at(p).size, clock);
        limit &= load<u64>(core, CORE_LIMIT_MASK);
        p += REC_BYTES;
        if (clock < limit) continue;
        return stopAt(core, base + Rec.at(p).off, clock, count);
      case Op.STLOCK:
        storeSized(<usize>Cpu.of(core).lockHost, Rec.at(p).size, Cpu.of(core).tmp0);
        writeLocked(core, Rec.at(p).size);
        clock += cost(M_COST_LOCK) - 1;
        limit &= load<u64>(core, CORE_LIMIT_MASK);
        p += REC_BYTES;
        if (clock < limit) continue;
        return stopAt(core, base + Rec.at(p).off, clock, count);
      // ---- Moves ----
      case Op.NOP: break;
      case Op.MOV_RM_8: {
        const host = source<u8>(core, p, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        setD<u8>(core, p, <u8>load<u8>(<usize>host));
        clock += loaded(host);
        break;
      }
      case Op.MOV_RM_16: {
        const host = source<u16>(core, p, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        setD<u16>(core, p, <u16>load<u16>(<usize>host));
        clock += loaded(host);
        break;
      }
      case Op.MOV_RM_32: {
        const host = source<u32>(core, p, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        setD<u32>(core, p, <u32>load<u32>(<usize>host));
        clock += loaded(host);
        break;
      }
      case Op.MOV_RM_64: {
        const host = source<u64>(core, p, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        setD<u64>(core, p, <u64>load<u64>(<usize>host));
        clock += loaded(host);
        break;
      }
      case Op.MOVZX_RM_8: {
        const host = source<u8>(core, p, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        setD<u32>(core, p, <u32>load<u8>(<usize>host));
        clock += loaded(host);
        break;
      }
      case Op.MOVZX_RM_16: {
        const host = source<u16>(core, p, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        setD<u32>(core, p, <u32>load<u16>(<usize>host));
        clock += loaded(host);
        break;
      }
      case Op.MOVSX_RM_8_32: {
        const host = source<i8>(core, p, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        setD<i32>(core, p, <i32>load<i8>(<usize>host));
        clock += loaded(host);
        break;
      }
      case Op.MOVSX_RM_16_32: {
        const host = source<i16>(core, p, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        setD<i32>(core, p, <i32>load<i16>(<usize>host));
        clock += loaded(host);
        break;
      }
      case Op.MOVSX_RM_8_64: {
        const host = source<i8>(core, p, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        setD<i64>(core, p, <i64>load<i8>(<usize>host));
        clock += loaded(host);
        break;
      }
      case Op.MOVSX_RM_16_64: {
        const host = source<i16>(core, p, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        setD<i64>(core, p, <i64>load<i16>(<usize>host));
        clock += loaded(host);
        break;
      }
      case Op.MOVSX_RM_32_64: {
        const host = source<i32>(core, p, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        setD<i64>(core, p, <i64>load<i32>(<usize>host));
        clock += loaded(host);
        break;
      }
      case Op.MOV_MR_8:
        done = putOperand(core, p, 1, regS<u8>(core, p), clock);
        if (!done) return stop(core, base, p, count);
        clock += done >> 32;
        limit &= load<u64>(core, CORE_LIMIT_MASK);
        break;
      case Op.MOV_MR_16:
        done = putOperand(core, p, 2, regS<u16>(core, p), clock);
        if (!done) return stop(core, base, p, count);
        clock += done >> 32;
        limit &= load<u64>(core, CORE_LIMIT_MASK);
        break;
      case Op.MOV_MR_32:
        done = putOperand(core, p, 4, regS<u32>(core, p), clock);
        if (!done) return stop(core, base, p, count);
        clock += done >> 32;
        limit &= load<u64>(core, CORE_LIMIT_MASK);
        break;
      case Op.MOV_MR_64:
        done = putOperand(core, p, 8, regS<u64>(core, p), clock);
        if (!done) return stop(core, base, p, count);
        clock += done >> 32;
        limit &= load<u64>(core, CORE_LIMIT_MASK);
        break;
      case Op.MOV_MI:
        done = putImmediate(core, p, clock);
        if (!done) return stop(core, base, p, count);
        clock += done >> 32;
        limit &= load<u64>(core, CORE_LIMIT_MASK);
        break;
      case Op.MOV_RR_8: setD<u8>(core, p, regS<u8>(core, p)); break;
      case Op.MOV_RR_16: setD<u16>(core, p, regS<u16>(core, p)); break;
      case Op.MOV_RR_32: setD<u32>(core, p, regS<u32>(core, p)); break;
      case Op.MOV_RR_64: setD<u64>(core, p, regS<u64>(core, p)); break;
      case Op.MOV_RI_8: setD<u8>(core, p, immediate<u8>(p)); break;
      case Op.MOV_RI_16: setD<u16>(core, p, immediate<u16>(p)); break;
      case Op.MOV_RI_32: setD<u32>(core, p, immediate<u32>(p)); break;
      case Op.MOV_RI_64: setD<u64>(core, p, immediate<u64>(p)); break;
      case Op.MOVZX_RR_8: setD<u32>(core, p, regS<u8>(core, p)); break;
      case Op.MOVZX_RR_16: setD<u32>(core, p, regS<u16>(core, p)); break;
      case Op.MOVSX_RR_8_32: setD<i32>(core, p, <i32>regS<i8>(core, p)); break;
      case Op.MOVSX_RR_16_32: setD<i32>(core, p, <i32>regS<i16>(core, p)); break;
      case Op.MOVSX_RR_8_64: setD<i64>(core, p, <i64>regS<i8>(core, p)); break;
      case Op.MOVSX_RR_16_64: setD<i64>(core, p, <i64>regS<i16>(core, p)); break;
      case Op.MOVSX_RR_32_64: setD<i64>(core, p, <i64>regS<i32>(core, p)); break;
      case Op.LEA_32: setD<u32>(core, p, <u32>addressOf(core, p)); break;
      case Op.LEA_64: setD<u64>(core, p, addressOf(core, p)); break;
      // ---- Arithmetic and logic ----
      case Op.ADD_RR_8: add<i8>(core, p, regS<i8>(core, p)); break;
      case Op.ADD_RR_16: add<i16>(core, p, regS<i16>(core, p)); break;
      case Op.ADD_RR_32: add<i32>(core, p, regS<i32>(core, p)); break;
      case Op.ADD_RR_64: add<i64>(core, p, regS<i64>(core, p)); break;
      case Op.ADD_RI_8: add<i8>(core, p, immediate<i8>(p)); break;
      case Op.ADD_RI_16: add<i16>(core, p, immediate<i16>(p)); break;
      case Op.ADD_RI_32: add<i32>(core, p, immediate<i32>(p)); break;
      case Op.ADD_RI_64: add<i64>(core, p, immediate<i64>(p)); break;
      case Op.OR_RR_8: or<i8>(core, p, regS<i8>(core, p)); break;
      case Op.OR_RR_16: or<i16>(core, p, regS<i16>(core, p)); break;
      case Op.OR_RR_32: or<i32>(core, p, regS<i32>(core, p)); break;
      case Op.OR_RR_64: or<i64>(core, p, regS<i64>(core, p)); break;
      case Op.OR_RI_8: or<i8>(core, p, immediate<i8>(p)); break;
      case Op.OR_RI_16: or<i16>(core, p, immediate<i16>(p)); break;
      case Op.OR_RI_32: or<i32>(core, p, immediate<i32>(p)); break;
      case Op.OR_RI_64: or<i64>(core, p, immediate<i64>(p)); break;
      case Op.ADC_RR_8: adc<i8>(core, p, regS<i8>(core, p)); break;
      case Op.ADC_RR_16: adc<i16>(core, p, regS<i16>(core, p)); break;
      case Op.ADC_RR_32: adc<i32>(core, p, regS<i32>(core, p)); break;
      case Op.ADC_RR_64: adc<i64>(core, p, regS<i64>(core, p)); break;
      case Op.ADC_RI_8: adc<i8>(core, p, immediate<i8>(p)); break;
      case Op.ADC_RI_16: adc<i16>(core, p, immediate<i16>(p)); break;
      case Op.ADC_RI_32: adc<i32>(core, p, immediate<i32>(p)); break;
      case Op.ADC_RI_64: adc<i64>(core, p, immediate<i64>(p)); break;
      case Op.SBB_RR_8: sbb<i8>(core, p, regS<i8>(core, p)); break;
      case Op.SBB_RR_16: sbb<i16>(core, p, regS<i16>(core, p)); break;
      case Op.SBB_RR_32: sbb<i32>(core, p, regS<i32>(core, p)); break;
      case Op.SBB_RR_64: sbb<i64>(core, p, regS<i64>(core, p)); break;
      case Op.SBB_RI_8: sbb<i8>(core, p, immediate<i8>(p)); break;
      case Op.SBB_RI_16: sbb<i16>(core, p, immediate<i16>(p)); break;
      case Op.SBB_RI_32: sbb<i32>(core, p, immediate<i32>(p)); break;
      case Op.SBB_RI_64: sbb<i64>(core, p, immediate<i64>(p)); break;
      case Op.AND_RR_8: and<i8>(core, p, regS<i8>(core, p)); break;
      case Op.AND_RR_16: and<i16>(core, p, regS<i16>(core, p)); break;
      case Op.AND_RR_32: and<i32>(core, p, regS<i32>(core, p)); break;
      case Op.AND_RR_64: and<i64>(core, p, regS<i64>(core, p)); break;
      case Op.AND_RI_8: and<i8>(core, p, immediate<i8>(p)); break;
      case Op.AND_RI_16: and<i16>(core, p, immediate<i16>(p)); break;
      case Op.AND_RI_32: and<i32>(core, p, immediate<i32>(p)); break;
      case Op.AND_RI_64: and<i64>(core, p, immediate<i64>(p)); break;
      case Op.SUB_RR_8: sub<i8>(core, p, regS<i8>(core, p)); break;
      case Op.SUB_RR_16: sub<i16>(core, p, regS<i16>(core, p)); break;
      case Op.SUB_RR_32: sub<i32>(core, p, regS<i32>(core, p)); break;
      case Op.SUB_RR_64: sub<i64>(core, p, regS<i64>(core, p)); break;
      case Op.SUB_RI_8: sub<i8>(core, p, immediate<i8>(p)); break;
      case Op.SUB_RI_16: sub<i16>(core, p, immediate<i16>(p)); break;
      case Op.SUB_RI_32: sub<i32>(core, p, immediate<i32>(p)); break;
      case Op.SUB_RI_64: sub<i64>(core, p, immediate<i64>(p)); break;
      case Op.XOR_RR_8: xor<i8>(core, p, regS<i8>(core, p)); break;
      case Op.XOR_RR_16: xor<i16>(core, p, regS<i16>(core, p)); break;
      case Op.XOR_RR_32: xor<i32>(core, p, regS<i32>(core, p)); break;
      case Op.XOR_RR_64: xor<i64>(core, p, regS<i64>(core, p)); break;
      case Op.XOR_RI_8: xor<i8>(core, p, immediate<i8>(p)); break;
      case Op.XOR_RI_16: xor<i16>(core, p, immediate<i16>(p)); break;
      case Op.XOR_RI_32: xor<i32>(core, p, immediate<i32>(p)); break;
      case Op.XOR_RI_64: xor<i64>(core, p, immediate<i64>(p)); break;
      case Op.CMP_RR_8: cmp<i8>(core, p, regS<i8>(core, p)); break;
      case Op.CMP_RR_16: cmp<i16>(core, p, regS<i16>(core, p)); break;
      case Op.CMP_RR_32: cmp<i32>(core, p, regS<i32>(core, p)); break;
      case Op.CMP_RR_64: cmp<i64>(core, p, regS<i64>(core, p)); break;
      case Op.CMP_RI_8: cmp<i8>(core, p, immediate<i8>(p)); break;
      case Op.CMP_RI_16: cmp<i16>(core, p, immediate<i16>(p)); break;
      case Op.CMP_RI_32: cmp<i32>(core, p, immediate<i32>(p)); break;
      case Op.CMP_RI_64: cmp<i64>(core, p, immediate<i64>(p)); break;
      case Op.TEST_RR_8: test<i8>(core, p, regS<i8>(core, p)); break;
      case Op.TEST_RR_16: test<i16>(core, p, regS<i16>(core, p)); break;
      case Op.TEST_RR_32: test<i32>(core, p, regS<i32>(core, p)); break;
      case Op.TEST_RR_64: test<i64>(core, p, regS<i64>(core, p)); break;
      case Op.TEST_RI_8: test<i8>(core, p, immediate<i8>(p)); break;
      case Op.TEST_RI_16: test<i16>(core, p, immediate<i16>(p)); break;
      case Op.TEST_RI_32: test<i32>(core, p, immediate<i32>(p)); break;
      case Op.TEST_RI_64: test<i64>(core, p, immediate<i64>(p)); break;
      case Op.INC_8: inc<i8>(core, p); break;
      case Op.INC_16: inc<i16>(core, p); break;
      case Op.INC_32: inc<i32>(core, p); break;
      case Op.INC_64: inc<i64>(core, p); break;
      case Op.DEC_8: dec<i8>(core, p); break;
      case Op.DEC_16: dec<i16>(core, p); break;
      case Op.DEC_32: dec<i32>(core, p); break;
      case Op.DEC_64: dec<i64>(core, p); break;
      case Op.NEG_32: neg<i32>(core, p); break;
      case Op.NEG_64: neg<i64>(core, p); break;
      case Op.NOT_32: not<i32>(core, p); break;
      case Op.NOT_64: not<i64>(core, p); break;
      case Op.SHL_32: shl<i32>(core, p, immediate<i32>(p)); break;
      case Op.SHL_64: shl<i64>(core, p, immediate<i64>(p)); break;
      case Op.SHR_32: shr<i32>(core, p, immediate<i32>(p)); break;
      case Op.SHR_64: shr<i64>(core, p, immediate<i64>(p)); break;
      case Op.SAR_32: sar<i32>(core, p, immediate<i32>(p)); break;
      case Op.SAR_64: sar<i64>(core, p, immediate<i64>(p)); break;
      case Op.IMUL_RR_32:
        imulNarrow<i32>(core, Rec.at(p).d, regD<i32>(core, p), regS<i32>(core, p));
        clock += MUL_CYCLES - 1;
        break;
      case Op.IMUL_RR_64:
        imulWide(core, Rec.at(p).d, regD<i64>(core, p), regS<i64>(core, p));
        clock += MUL_CYCLES - 1;
        break;
      case Op.IMUL_RI_32:
        imulNarrow<i32>(core, Rec.at(p).d, regS<i32>(core, p), immediate<i32>(p));
        clock += MUL_CYCLES - 1;
        break;
      case Op.IMUL_RI_64:
        imulWide(core, Rec.at(p).d, regS<i64>(core, p), immediate<i64>(p));
        clock += MUL_CYCLES - 1;
        break;
      case Op.CMOV_32: {
        const from = condition(core, Rec.at(p).cc) ? Rec.at(p).s : Rec.at(p).d;
        setD<u32>(core, p, load<u32>(core + <usize>from)); // clears the upper half in either case
        break;
      }
      case Op.CMOV_64:
        if (condition(core, Rec.at(p).cc)) setD<u64>(core, p, regS<u64>(core, p));
        break;
      case Op.SETCC: setD<u8>(core, p, <u8>condition(core, Rec.at(p).cc)); break;
      case Op.CWDE: Cpu.of(core).rax = <u64>(<i32>load<i16>(core, RAX)) & 0xffffffff; break;
      case Op.CDQE: Cpu.of(core).rax = <u64>load<i32>(core, RAX); break;
      case Op.CDQ: Cpu.of(core).rdx = <u64>(load<i32>(core, RAX) >> 31) & 0xffffffff; break;
      case Op.CQO: Cpu.of(core).rdx = <u64>(<i64>Cpu.of(core).rax >> 63); break;
      // ---- Stack and jumps ----
      case Op.PUSH_R:
        done = pushWord(core, regS<u64>(core, p), clock);
        if (!done) return stop(core, base, p, count);
        clock += done >> 32;
        limit &= load<u64>(core, CORE_LIMIT_MASK);
        break;
      case Op.PUSH_I:
        done = pushWord(core, Rec.at(p).imm, clock);
        if (!done) return stop(core, base, p, count);
        clock += done >> 32;
        limit &= load<u64>(core, CORE_LIMIT_MASK);
        break;
      case Op.POP_R: {
        const host = stackSource(core, Cpu.of(core).rsp, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        Cpu.of(core).rsp += 8; // first: POP RSP leaves the value
        setD<u64>(core, p, load<u64>(<usize>host));
        clock += loaded(host);
        break;
      }
      case Op.LEAVE: {
        const host = stackSource(core, Cpu.of(core).rbp, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        Cpu.of(core).rsp = Cpu.of(core).rbp + 8;
        Cpu.of(core).rbp = load<u64>(<usize>host);
        clock += loaded(host);
        break;
      }
      case Op.CALL:
      case Op.CALL_R: {
        setClock(core, clock);
        rip = op == Op.CALL ? jumpTarget(base, p) : regS<u64>(core, p);
        if (!canonical(rip)) {
          callNowhere(core, base + Rec.at(p).nextOff, clock);
          return stop(core, base, p, count);
        }
        done = pushWord(core, base + Rec.at(p).nextOff, clock);
        if (!done) return stop(core, base, p, count);
        clock += done >> 32;
        clock += cost(M_COST_CALL) - 1;
        limit &= load<u64>(core, CORE_LIMIT_MASK);
        p = op == Op.CALL ? follow(core, base, rip, p) : 0;
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      case Op.RET: {
        const host = stackSource(core, Cpu.of(core).rsp, clock);
        if (!host) return stop(core, base, p, count);
        count += LOADED;
        rip = load<u64>(<usize>host);
        if (!canonical(rip)) {
          setClock(core, clock);
          raise(core, GP, 0);
          return stop(core, base, p, count);
        }
        Cpu.of(core).rsp += 8;
        clock += cost(M_COST_CALL) - 1 + (host >> 32);
        p = 0;
        break;
      }
      case Op.JMP:
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      case Op.JMP_R:
        setClock(core, clock);
        rip = regS<u64>(core, p);
        if (!checkTarget(core, rip)) return stop(core, base, p, count);
        p = 0;
        break;
      case Op.JO: {
        if (!overflow(core)) break;
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      case Op.JNO: {
        if (overflow(core)) break;
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      case Op.JB: {
        if (!carry(core)) break;
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      case Op.JAE: {
        if (carry(core)) break;
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      case Op.JE: {
        if (!zero(core)) break;
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      case Op.JNE: {
        if (zero(core)) break;
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      case Op.JBE: {
        if (!belowOrEqual(core)) break;
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      case Op.JA: {
        if (belowOrEqual(core)) break;
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      case Op.JS: {
        if (!negative(core)) break;
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      case Op.JNS: {
        if (negative(core)) break;
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      case Op.JP: {
        if (!parity(core)) break;
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      case Op.JNP: {
        if (parity(core)) break;
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      case Op.JL: {
        if (!less(core)) break;
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      case Op.JGE: {
        if (less(core)) break;
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      case Op.JLE: {
        if (!lessOrEqual(core)) break;
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      case Op.JG: {
        if (lessOrEqual(core)) break;
        rip = jumpTarget(base, p);
        p = follow(core, base, rip, p);
        if (p) base = Cpu.of(core).line = rip & ~63;
        break;
      }
      default: {
        setClock(core, clock);
        const result = dispatch(core, p, op, limit);
        clock = clockOf(core);
        limit &= load<u64>(core, CORE_LIMIT_MASK);
        if (result == DONE) break;
        if (result != JUMPED) return stop(core, base, p, count);
        rip = Cpu.of(core).rip;
        p = 0;
      }
    }
    // The end of an instruction
    count++;
    clock++;
    if (p) {
      p += REC_BYTES;
      if (clock < limit) continue;
      if (<u32>Rec.at(p).flags & CONTINUES) continue;
      return stopAt(core, base + Rec.at(p).off, clock, count);
    }
    if (clock >= limit) return stopAt(core, rip, clock, count);
    setClock(core, clock);
    p = fetchTarget(core, rip);
    if (!p || late(clockOf(core), limit)) return stopAt(core, rip, clockOf(core), count);
    clock = clockOf(core);
    base = Cpu.of(core).line = rip & ~63;
  }
}
