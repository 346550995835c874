// LAR, LSL, VERR, VERW: what a segment's descriptor would allow, without a fault for a bad selector
// (SDM Vol. 3A 5.10, "Pointer Validation").
import { Cpu, GP, ZF, getReg, setReg } from "./cpu";
import { read } from "./access";
import { changeFlags } from "./flags";
import { Op, Rec } from "./record";
import { NO_ADDRESS } from "./paging";
import { descriptorAt, dplOf, limitOf } from "./segment";

// Descriptor bits
const CODE: u64 = 1 << 43;
const CONFORMING: u64 = 1 << 42;
/** Writable data, or readable code. */
const ACCESSIBLE: u64 = 1 << 41;
const NOT_SYSTEM: u64 = 1 << 44;

// System descriptor types (SDM Vol. 3A Table 3-2, "System-Segment and Gate-Descriptor Types")
const LDT: u32 = 2;
const TSS_AVAILABLE: u32 = 9;
const TSS_BUSY: u32 = 11;
const CALL_GATE: u32 = 12;

/** The type is one that the instruction looks at. */
function typeAllowed(descriptor: u64, op: u32): bool {
  const type = <u32>(descriptor >> 40) & 15;
  if (!(descriptor & NOT_SYSTEM)) {
    if (op == Op.VERR || op == Op.VERW) return false;
    return type == LDT || type == TSS_AVAILABLE || type == TSS_BUSY ||
      (op == Op.LAR && type == CALL_GATE);
  }
  if (op == Op.VERR) return !(descriptor & CODE) || (descriptor & ACCESSIBLE) != 0;
  if (op == Op.VERW) return (descriptor & (CODE | ACCESSIBLE)) == ACCESSIBLE;
  return true;
}

/** A segment that this CPL and the selector's RPL may see. */
function visible(core: usize, descriptor: u64, selector: u32): bool {
  const all = NOT_SYSTEM | CODE | CONFORMING;
  if ((descriptor & all) == all) return true;
  return dplOf(descriptor) >= max(Cpu.of(core).cpl, selector & 3);
}

/**
 * ZF := the selector passes; LAR and LSL then also d := rights or limit. False = stall or fault.
 */
export function accessRights(core: usize, p: usize, op: u32): bool {
  const rec = Rec.at(p);
  const selector = <u32>getReg<u16>(core, rec.s);
  const at = descriptorAt(core, selector);
  let descriptor: u64 = 0;
  if (selector & 0xfffc && at != NO_ADDRESS) {
    const host = read(core, at, 8, false, GP);
    if (!host) return false;
    descriptor = load<u64>(<usize>host);
  }
  const passes = descriptor && typeAllowed(descriptor, op) && visible(core, descriptor, selector);
  if (passes && (op == Op.LAR || op == Op.LSL)) {
    const value = op == Op.LAR ? <u32>(descriptor >> 32) & 0xffff00 : limitOf(descriptor);
    if (rec.size == 2) setReg<u16>(core, rec.d, <u16>value);
    else setReg<u32>(core, rec.d, value);
  }
  changeFlags(core, ZF, passes ? ZF : 0);
  return true;
}
