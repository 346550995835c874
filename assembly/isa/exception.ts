// Delivery of interrupts and exceptions in 64-bit mode, and IRETQ (SDM Vol. 3A 6.14, "Exception and
// Interrupt Handling in 64-bit Mode"; 6.15 for double faults). Both drain the store buffer before
// anything else.
// Deviations: no task gates, NMI, breakpoints in debug registers; IRET to code that is not 64-bit
// stops the run.
import {
  MACHINE_BASE, M_COST_INTERRUPT, M_COST_IRET, M_TRACE, RUN_SHUTDOWN, RUN_UNIMPLEMENTED,
  WAIT_ENTRY_DRAIN,
} from "../abi";
import { lapicAck } from "../device/lapic";
import { Core } from "../memory/core";
import { portDrain, portReserve, portWrite } from "../memory/port";
import { loadSized } from "../memory/ram";
import { leaveAfter, read, stopAtDevice } from "./access";
import {
  AC, CS, Cpu, DB, DE, DF, DFAULT, GP, ID, IF, IOPL, NO_EXCEPTION, NP, NT, PAGE, RF, SS, SSFAULT,
  STATUS_FLAGS, TF, TS, VM, canonical, raise, setCpl,
} from "./cpu";
import { getFlags, setFlags } from "./flags";
import { TLB_DEVICE, Tlb, translate } from "./paging";
import {
  CODE_BAD, CODE_LEGACY, NO_DESCRIPTOR, checkCode, checkStack, descriptorOf, dplOf,
  dropInnerSegments, getSelector, setSelector,
} from "./segment";
import { scratchFrame } from "./scratch";

// Gate descriptor (SDM Vol. 3A Figure 6-8, "64-Bit IDT Gate Descriptors")
const GATE_INTERRUPT: u32 = 14;
const GATE_TRAP: u32 = 15;
/**
 * Bits of an error code that names a table entry: in the IDT; while delivering an event that the
 * program did not ask for (SDM Vol. 3A 6.13, "Error Code").
 */
const ERROR_IDT: i32 = 2;
const ERROR_EXTERNAL: i32 = 1;
/** Offset of RSP0 and of IST1 in the TSS. */
const TSS_RSP0: u32 = 4;
const TSS_IST1: u32 = 36;

/** Stack slots of the frame: SS, RSP, RFLAGS, CS, RIP, error code. */
const FRAME_WORDS: u32 = 6;

/** Faults of which two make a double fault. */
function isContributory(vector: u32): bool {
  return vector == DE || (vector >= TS && vector <= GP);
}

/** In Cpu.softLength: the gate's DPL does not count. INT1 alone is such a software interrupt. */
export const UNCHECKED: u32 = 0x80;
const LENGTH: u32 = 15;

/** A software interrupt or one from outside is benign whatever its number. */
const BENIGN: u32 = 0x100;

/** An exception that arose in the delivery of an interrupt or of an exception says so. */
function markExternal(core: usize): void {
  const cpu = Cpu.of(core);
  if (cpu.pending >= TS && cpu.pending <= GP) cpu.error |= ERROR_EXTERNAL;
}

/**
 * Deliver the pending exception, with what arises on the way. False = it stalls and is to be tried
 * again, or the CPU shut down.
 */
export function deliverException(core: usize): bool {
  const cpu = Cpu.of(core);
  // Each round ends in delivery or goes up: benign, fault, double fault, shutdown.
  for (let round = 0; round < 4; round++) {
    const vector = cpu.pending;
    const error = cpu.error;
    const softLength = cpu.softLength;
    cpu.pending = NO_EXCEPTION;
    if (deliver(core, vector, error, softLength, false)) {
      cpu.delivering = NO_EXCEPTION;
      return true;
    }
    if (cpu.pending == NO_EXCEPTION) {
      // A stall: the very same again later
      cpu.pending = vector;
      cpu.error = error;
      cpu.softLength = softLength;
      return false;
    }
    if (!softLength) markExternal(core);
    const first = cpu.delivering != NO_EXCEPTION ? cpu.delivering : softLength ? BENIGN : vector;
    if (!combine(core, first, cpu.pending)) return false;
  }
  unreachable();
  return false;
}

/**
 * A fault `second` during the delivery of `first` (SDM Vol. 3A Table 6-5, "Conditions for
 * Generating a Double Fault").
 */
function combine(core: usize, first: u32, second: u32): bool {
  const cpu = Cpu.of(core);
  if (first == DFAULT) {
    Core.of(core).run = RUN_SHUTDOWN;
    return false;
  }
  // CR2 tells of a page fault whatever is delivered in its place.
  if (first == PAGE || second == PAGE) cpu.cr2 = cpu.faultLin;
  const contributory = isContributory(second);
  const afterPage = first == PAGE && (contributory || second == PAGE);
  if (afterPage || (isContributory(first) && contributory)) {
    raise(core, DFAULT, 0);
    cpu.delivering = DFAULT;
  } else {
    cpu.delivering = second;
  }
  return true;
}

/**
 * Take interrupt `vector` from the local APIC; false = it stalls, or an exception is pending
 * instead.
 */
export function deliverInterrupt(core: usize, vector: u32): bool {
  if (deliver(core, vector, -1, 0, true)) return true;
  if (Cpu.of(core).pending != NO_EXCEPTION) markExternal(core);
  return false;
}

/** One delivery. Nothing has changed when it returns false. */
function deliver(core: usize, vector: u32, error: i32, softLength: u32, external: bool): bool {
  const cpu = Cpu.of(core);
  if (!portDrain(core, WAIT_ENTRY_DRAIN)) return false;
  // A mark names an access of the program, not one of these: IRET sets it again (onReturn).
  Core.of(core).label = 0;
  const gateError = <i32>(vector << 3) | ERROR_IDT;
  const at = vector << 4;
  if (at + 15 > cpu.idtLimit) return raise(core, GP, gateError);
  let host = read(core, cpu.idtBase + at, 8, false, GP);
  if (!host) return false;
  const low = load<u64>(host);
  host = read(core, cpu.idtBase + at + 8, 8, false, GP);
  if (!host) return false;
  const target = (low & 0xffff) | ((low >> 32) & 0xffff0000) | (load<u64>(host) << 32);
  const type = <u32>(low >> 40) & 0x1f;
  if (type != GATE_INTERRUPT && type != GATE_TRAP) return raise(core, GP, gateError);
  const checked = softLength != 0 && !(softLength & UNCHECKED);
  if (checked && dplOf(low) < cpu.cpl) return raise(core, GP, gateError);
  if (!((low >> 47) & 1)) return raise(core, NP, gateError);
  const selector = <u32>(low >> 16) & 0xffff;
  if (!(selector & 0xfffc)) return raise(core, GP, 0);
  const code = descriptorOf(core, selector, GP);
  if (code == NO_DESCRIPTOR) return false;
  // Delivery goes to the same ring or further in
  const conforming = ((code >> 42) & 1) != 0;
  const cpl = conforming || dplOf(code) > cpu.cpl ? cpu.cpl : dplOf(code);
  const legality = checkCode(core, code, selector, cpl);
  if (legality == CODE_BAD) return false;
  if (legality == CODE_LEGACY) return raise(core, GP, <i32>(selector & 0xfffc));
  if (!canonical(target)) return raise(core, GP, 0);

  let rsp = cpu.rsp;
  const ist = <u32>(low >> 32) & 7;
  if (ist || cpl != cpu.cpl) {
    const slot = ist ? TSS_IST1 + ((ist - 1) << 3) : TSS_RSP0 + (cpl << 3);
    if (slot + 7 > cpu.trLimit) return raise(core, TS, <i32>(<u32>cpu.tr & 0xfffc));
    host = read(core, cpu.trBase + slot, 8, false, TS);
    if (!host) return false;
    rsp = load<u64>(host);
  }
  rsp &= ~15;
  const words = error >= 0 ? FRAME_WORDS : FRAME_WORDS - 1;
  // Faults save RF set; others what it is: a string instruction under way has set it.
  const rf = external || softLength || vector == DB ? 0 : RF;
  if (!pushFrame(core, rsp, words, cpl, softLength, error, rf)) return false;

  if (external) lapicAck(core);
  if (vector == PAGE && error >= 0) cpu.cr2 = cpu.faultLin;
  setSelector(core, CS, (selector & 0xfffc) | cpl);
  if (cpl != cpu.cpl) setSelector(core, SS, cpl);
  setCpl(core, cpl);
  cpu.rsp = rsp - (words << 3);
  cpu.rip = target;
  cpu.rflags &= ~(<u64>(TF | NT | RF | VM | (type == GATE_INTERRUPT ? IF : 0)));
  cpu.shadow = 0;
  Core.of(core).clock += load<u32>(MACHINE_BASE + M_COST_INTERRUPT);
  return true;
}

/**
 * Push the interrupt frame below `rsp`, with the rights of ring `cpl`. A fault saves RF set (`rf`).
 */
function pushFrame(
  core: usize, rsp: u64, words: u32, cpl: u32, softLength: u32, error: i32, rf: u32,
): bool {
  const cpu = Cpu.of(core);
  const bytes = words << 3;
  if (!canonical(rsp - bytes) || !canonical(rsp - 1)) return raise(core, SSFAULT, 0);
  // The frame is 48 bytes at most, aligned: it lies in two lines and two pages at the most.
  // A fault names the word that would have been pushed first of those on its page.
  const top = (rsp - 8) & ~4095;
  const high = translate(core, rsp - 8, true, cpl == 3);
  if (!high) return false;
  const highFrame = changetype<Tlb>(high).frame & ~4095;
  const low = translate(core, max(rsp - bytes, top - 8), true, cpl == 3);
  if (!low) return false;
  const lowFrame = changetype<Tlb>(low).frame & ~4095;
  const both = changetype<Tlb>(high).frame | changetype<Tlb>(low).frame;
  if (<u32>both & TLB_DEVICE) return stopAtDevice(core);
  if (!portReserve(core, words)) return false;
  store<u64>(scratchFrame, getSelector(core, SS));
  store<u64>(scratchFrame, cpu.rsp, 8);
  store<u64>(scratchFrame, cpu.rflags | getFlags(core) | rf, 16);
  store<u64>(scratchFrame, getSelector(core, CS), 24);
  store<u64>(scratchFrame, cpu.rip + (softLength & LENGTH), 32);
  store<u64>(scratchFrame, <u64>(<u32>error), 40);
  for (let i: u32 = 0; i < words; i++) {
    const lin = rsp - 8 - (i << 3);
    const phys = ((lin & ~4095) == top ? highFrame : lowFrame) | (lin & 4095);
    portWrite(core, phys, 8, load<u64>(scratchFrame + (<usize>i << 3)));
  }
  return true;
}

/** The word `index` of the frame that IRET pops. */
function popWord(core: usize, index: u32, size: u32): usize {
  const cpu = Cpu.of(core);
  return read(core, cpu.rsp + index * size, size, cpu.cpl == 3, SSFAULT);
}

/** EFLAGS bits that IRET and POPF may change at this CPL. */
export function writableFlags(core: usize): u32 {
  const cpu = Cpu.of(core);
  let mask: u32 = STATUS_FLAGS | TF | DF | NT | AC | ID;
  if (cpu.cpl == 0) mask |= IOPL;
  if (cpu.cpl <= <u32>(cpu.rflags >> 12) & 3) mask |= IF;
  return mask;
}

/** Set EFLAGS, the bits in `mask` only. */
export function writeEflags(core: usize, value: u64, mask: u32): void {
  const cpu = Cpu.of(core);
  setFlags(core, <u32>value & STATUS_FLAGS);
  const system = <u64>(mask & ~STATUS_FLAGS);
  const before = cpu.rflags;
  cpu.rflags = (before & ~system) | (value & system) | 2;
  if ((cpu.rflags ^ before) & AC) setCpl(core, cpu.cpl);
}

/** IRET with operands of `size` bytes. */
export function interruptReturn(core: usize, size: u32): bool {
  const cpu = Cpu.of(core);
  if (!portDrain(core)) return false;
  if (cpu.rflags & NT) return raise(core, GP, 0);
  let rip: u64 = 0;
  let selector: u32 = 0;
  let flags: u64 = 0;
  let rsp: u64 = 0;
  let ss: u32 = 0;
  for (let i: u32 = 0; i < 5; i++) {
    const host = popWord(core, i, size);
    if (!host) return false;
    const word = loadSized(host, size);
    if (i == 0) rip = word;
    else if (i == 1) selector = <u32>word & 0xffff;
    else if (i == 2) flags = word;
    else if (i == 3) rsp = word;
    else ss = <u32>word & 0xffff;
  }
  const cpl = selector & 3;
  if (!(selector & 0xfffc)) return raise(core, GP, 0);
  if (cpl < cpu.cpl) return raise(core, GP, <i32>(selector & 0xfffc));
  const code = descriptorOf(core, selector, GP);
  if (code == NO_DESCRIPTOR) return false;
  const legality = checkCode(core, code, selector, cpl);
  if (legality == CODE_BAD) return false;
  if (legality == CODE_LEGACY) {
    Core.of(core).run = RUN_UNIMPLEMENTED;
    return false;
  }
  if (!checkStack(core, ss, cpl)) return false;
  if (!canonical(rip)) return raise(core, GP, 0);
  const before = cpu.rflags;
  writeEflags(core, flags, (writableFlags(core) | RF) & (size == 2 ? 0xffff : 0xffffffff));
  // TF and RF are execute()'s
  if ((cpu.rflags & ~before & IF) | (cpu.rflags & <u64>(TF | RF))) leaveAfter(core);
  setSelector(core, CS, selector);
  setSelector(core, SS, ss);
  if (cpl > cpu.cpl) dropInnerSegments(core, cpl);
  setCpl(core, cpl);
  cpu.rsp = rsp;
  cpu.rip = rip;
  if (load<u32>(MACHINE_BASE + M_TRACE)) Core.of(core).returned = 1;
  Core.of(core).clock += load<u32>(MACHINE_BASE + M_COST_IRET) - 1;
  return true;
}
