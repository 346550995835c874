// The rarer transfers of control and stack operations; the common ones are in run.ts. A
// function that ends in a jump leaves the target in Cpu.rip.
import { M_COST_CALL, M_COST_L1, M_COST_POPF, M_COST_PUSHF, RUN_UNIMPLEMENTED } from "../abi";
import { Core } from "../memory/core";
import { loadSized } from "../memory/ram";
import { leaveAfter, readUser, writeUser } from "./access";
import {
  CS, Cpu, GP, IF, RBP, RCX, RF, SS, SSFAULT, TF, UD, VM, canonical, getReg, raise, setCpl, setReg,
} from "./cpu";
import { getFlags, zero } from "./flags";
import { writableFlags, writeEflags } from "./exception";
import { addressOf, vectorOf } from "./operand-address";
import { ADDRESS32, IMMEDIATE, Rec } from "./record";
import {
  CODE_BAD, CODE_LEGACY, NO_DESCRIPTOR, checkCode, descriptorOf, getSelector, loadSegment,
  setSelector,
} from "./segment";
import { charge } from "./system";

/** The word of `size` bytes on top of the stack, or `depth` bytes below. */
// @ts-ignore: decorator
@inline
function top(core: usize, depth: u64, size: u32): usize {
  return readUser(core, Cpu.of(core).rsp + depth, size, SSFAULT);
}

function loadCycles(core: usize): void {
  charge(core, M_COST_L1);
}

/** Push `size` bytes. */
export function push(core: usize, value: u64, size: u32): bool {
  const cpu = Cpu.of(core);
  if (!writeUser(core, cpu.rsp - size, size, value, SSFAULT)) return false;
  cpu.rsp -= size;
  return true;
}

/** PUSH of 16 bits */
export function push16(core: usize, p: usize): bool {
  const rec = Rec.at(p);
  return push(core, <u32>rec.flags & IMMEDIATE ? <u64>rec.imm : <u64>getReg<u16>(core, rec.s), 2);
}

/** POP of 16 bits */
export function pop16(core: usize, p: usize): bool {
  const host = top(core, 0, 2);
  if (!host) return false;
  const value = load<u16>(host);
  Cpu.of(core).rsp += 2;
  setReg<u16>(core, Rec.at(p).d, value);
  loadCycles(core);
  return true;
}

/** POP to memory */
export function popMemory(core: usize, p: usize): bool {
  const size = <u32>Rec.at(p).size;
  const host = top(core, 0, size);
  if (!host) return false;
  const value = loadSized(host, size);
  if (!writeUser(core, addressOf(core, p), size, value, vectorOf(p))) return false;
  Cpu.of(core).rsp += size;
  loadCycles(core);
  return true;
}

/** PUSHF: VM and RF read as 0 */
export function pushFlags(core: usize, size: u32): bool {
  const flags = (Cpu.of(core).rflags | getFlags(core)) & ~(<u64>(VM | RF));
  if (!push(core, flags, size)) return false;
  charge(core, M_COST_PUSHF);
  return true;
}

/** POPF. Interrupts let in by it are taken before the next instruction: there is no shadow. */
export function popFlags(core: usize, size: u32): bool {
  const cpu = Cpu.of(core);
  const host = top(core, 0, size);
  if (!host) return false;
  const value = loadSized(host, size);
  const mask = writableFlags(core) & (size == 2 ? 0xffff : 0xffffffff);
  const before = cpu.rflags;
  writeEflags(core, value, mask);
  cpu.rflags &= ~(<u64>RF);
  cpu.rsp += size;
  if (cpu.rflags & ~before & (IF | TF)) leaveAfter(core);
  charge(core, M_COST_POPF);
  return true;
}

/** ENTER with nesting level 0 to 31 (SDM Vol. 2A, "ENTER") */
export function enter(core: usize, p: usize): bool {
  const cpu = Cpu.of(core);
  const size = <u32>Rec.at(p).size;
  const frame = <u64>Rec.at(p).imm & 0xffff;
  const level = <u32>(Rec.at(p).imm >> 16) & 31;
  let rsp = cpu.rsp - size;
  if (!writeUser(core, rsp, size, cpu.rbp, SSFAULT)) return false;
  const frameAt = rsp;
  for (let i: u32 = 1; i < level; i++) {
    const host = readUser(core, cpu.rbp - i * size, size, SSFAULT);
    if (!host) return false;
    rsp -= size;
    if (!writeUser(core, rsp, size, loadSized(host, size), SSFAULT)) return false;
  }
  if (level) {
    rsp -= size;
    if (!writeUser(core, rsp, size, frameAt, SSFAULT)) return false;
  }
  if (size == 8) cpu.rbp = frameAt;
  else setReg<u16>(core, RBP, <u16>frameAt);
  cpu.rsp = rsp - frame;
  return true;
}

/** LEAVE with 66: rSP := rBP, then BP := the word there */
export function leave16(core: usize): bool {
  const cpu = Cpu.of(core);
  const host = readUser(core, cpu.rbp, 2, SSFAULT);
  if (!host) return false;
  cpu.rsp = cpu.rbp + 2;
  setReg<u16>(core, RBP, load<u16>(host));
  loadCycles(core);
  return true;
}

/** RET imm16 */
export function returnImmediate(core: usize, p: usize): bool {
  const cpu = Cpu.of(core);
  const host = top(core, 0, 8);
  if (!host) return false;
  const target = load<u64>(host);
  if (!canonical(target)) return raise(core, GP, 0);
  cpu.rsp += 8 + (<u64>Rec.at(p).imm & 0xffff);
  cpu.rip = target;
  charge(core, M_COST_CALL);
  return true;
}

/** LOOP, LOOPE, LOOPNE; returns whether it is taken */
export function loop(core: usize, p: usize): bool {
  const rec = Rec.at(p);
  const narrow = (<u32>rec.flags & ADDRESS32) != 0;
  const count = narrow ? <u64>(getReg<u32>(core, RCX) - 1) : getReg<u64>(core, RCX) - 1;
  setReg<u64>(core, RCX, count);
  if (!count) return false;
  return rec.cc == 2 ? true : zero(core) == (rec.cc == 1);
}

/** JRCXZ, JECXZ; returns whether it is taken */
export function jumpIfCountZero(core: usize, p: usize): bool {
  return <u32>Rec.at(p).flags & ADDRESS32 ? !getReg<u32>(core, RCX) : !getReg<u64>(core, RCX);
}

/** Check a far target at the same level. Another level, or a gate, is #GP. */
function checkFar(core: usize, selector: u32, rip: u64): bool {
  const cpu = Cpu.of(core);
  if (!(selector & 0xfffc)) return raise(core, GP, 0);
  const code = descriptorOf(core, selector, GP);
  if (code == NO_DESCRIPTOR) return false;
  const legality = checkCode(core, code, selector, cpu.cpl);
  if (legality == CODE_BAD) return false;
  if (legality == CODE_LEGACY) {
    Core.of(core).run = RUN_UNIMPLEMENTED;
    return false;
  }
  return canonical(rip) ? true : raise(core, GP, 0);
}

/** Go to a far target that passes the checks. */
function farTarget(core: usize, selector: u32, rip: u64): bool {
  if (!checkFar(core, selector, rip)) return false;
  const cpu = Cpu.of(core);
  setSelector(core, CS, (selector & 0xfffc) | cpu.cpl);
  cpu.rip = rip;
  return true;
}

/** JMP and CALL through a far pointer in memory */
export function jumpFar(core: usize, p: usize, call: bool): bool {
  const cpu = Cpu.of(core);
  const rec = Rec.at(p);
  const lin = addressOf(core, p);
  const size = <u32>rec.size;
  let host = readUser(core, lin, size, vectorOf(p));
  if (!host) return false;
  const target = loadSized(host, size);
  host = readUser(core, lin + size, 2, vectorOf(p));
  if (!host) return false;
  const selector = <u32>load<u16>(host);
  if (!call) return farTarget(core, selector, target);
  const old = getSelector(core, CS);
  const back = cpu.line + rec.nextOff;
  // The target before the stack, and both words before the transfer: a fault leaves everything as
  // it was
  if (!checkFar(core, selector, target)) return false;
  if (!writeUser(core, cpu.rsp - (size << 1), size, back, SSFAULT)) return false;
  if (!writeUser(core, cpu.rsp - size, size, old, SSFAULT)) return false;
  if (!farTarget(core, selector, target)) return false;
  cpu.rsp -= size << 1;
  return true;
}

/** A word of the far return frame; `farRead` tells whether it could be read. */
let farRead: bool = false;

function farWord(core: usize, index: u32, size: u32): u64 {
  const host = top(core, index * size, size);
  farRead = host != 0;
  if (!host) return 0;
  return loadSized(host, size);
}

/** RETF, to the same or an outer level */
export function returnFar(core: usize, p: usize): bool {
  const cpu = Cpu.of(core);
  const size = <u32>Rec.at(p).size;
  const extra = <u64>Rec.at(p).imm & 0xffff;
  const rip = farWord(core, 0, size);
  if (!farRead) return false;
  const selector = <u32>farWord(core, 1, size) & 0xffff;
  if (!farRead) return false;
  const cpl = selector & 3;
  if (cpl < cpu.cpl) return raise(core, GP, <i32>(selector & 0xfffc));
  if (cpl == cpu.cpl) {
    if (!farTarget(core, selector, rip)) return false;
    cpu.rsp += (size << 1) + extra;
    return true;
  }
  const rsp = top(core, (size << 1) + extra, size);
  if (!rsp) return false;
  const newRsp = loadSized(rsp, size);
  const ss = top(core, (size << 1) + extra + size, 2);
  if (!ss) return false;
  const newSs = load<u16>(ss);
  const old = cpu.cpl;
  // checkCode() compares with the level returned to
  cpu.cpl = cpl;
  const done = farTarget(core, selector, rip);
  cpu.cpl = old;
  if (!done) return false;
  setSelector(core, SS, newSs);
  setCpl(core, cpl);
  cpu.rsp = newRsp + extra;
  return true;
}

/** PUSH FS, PUSH GS */
export function pushSegment(core: usize, p: usize): bool {
  return push(core, getSelector(core, Rec.at(p).cc), Rec.at(p).size);
}

/** POP FS, POP GS */
export function popSegment(core: usize, p: usize): bool {
  const size = <u32>Rec.at(p).size;
  const host = top(core, 0, size);
  if (!host) return false;
  if (!loadSegment(core, Rec.at(p).cc, load<u16>(host))) return false;
  Cpu.of(core).rsp += size;
  return true;
}

/** MOV Sreg, s. After SS, the next instruction takes no interrupt. */
export function moveToSegment(core: usize, p: usize): bool {
  const segment = <u32>Rec.at(p).cc;
  if (!loadSegment(core, segment, getReg<u16>(core, Rec.at(p).s))) return false;
  if (segment == SS) {
    Cpu.of(core).shadow = 1;
    leaveAfter(core);
  }
  return true;
}

/** LSS, LFS, LGS */
export function loadFar(core: usize, p: usize): bool {
  const rec = Rec.at(p);
  const size = <u32>rec.size;
  const lin = addressOf(core, p);
  let host = readUser(core, lin, size, vectorOf(p));
  if (!host) return false;
  const value = loadSized(host, size);
  host = readUser(core, lin + size, 2, vectorOf(p));
  if (!host) return false;
  if (!loadSegment(core, rec.cc, load<u16>(host))) return false;
  if (size == 8) setReg<u64>(core, rec.d, value);
  else if (size == 4) setReg<u32>(core, rec.d, <u32>value);
  else setReg<u16>(core, rec.d, <u16>value);
  return true;
}
