// The rarer transfers of control and stack operations; the common ones are in run.ts. A
// function that ends in a jump leaves the target in Cpu.rip.
import { M_COST_CALL, M_COST_L1, M_COST_POPF, M_COST_PUSHF, RUN_UNIMPLEMENTED } from "../abi";
import { Core } from "../memory/core";
import { loadSized, storeSized } from "../memory/ram";
import { leaveAfter, readUser, writeUser } from "./access";
import {
  CS, Cpu, GP, IF, RBP, RCX, RF, SHADOW_SS, SS, SSFAULT, TF, VM, canonical, getReg, raise, setCpl,
  setReg,
} from "./cpu";
import { getFlags, zero } from "./flags";
import { writableFlags, writeEflags } from "./exception";
import { addressOf, vectorOf } from "./operand-address";
import { ADDRESS32, IMMEDIATE, Rec } from "./record";
import {
  CODE_BAD, CODE_LEGACY, NO_DESCRIPTOR, checkCode, checkStack, descriptorOf, dropInnerSegments,
  getSelector, isConforming, loadSegment, selectorError, setSelector,
} from "./segment";
import { scratchEnter } from "./scratch";
import { ownWords, probeWrite, storeBoth, storeWords } from "./stores";
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

/**
 * An outer frame pointer at `lin`, as ENTER copies it into what it pushes. It may be a word that
 * ENTER itself has pushed, of which `pushed` bytes up to `end` are in the scratch, from `low` on.
 */
function copyDisplay(
  core: usize, lin: u64, size: u32, low: u64, pushed: u64, end: u64,
): bool {
  const host = readUser(core, lin, size, SSFAULT);
  if (!host) return false;
  const word = scratchEnter + <usize>(end - pushed - size - low);
  storeSized(word, size, loadSized(host, size));
  for (let n: u32 = 0; n < size; n++) {
    const at = lin + n;
    if (end - at - 1 < pushed) store<u8>(word + n, load<u8>(scratchEnter + <usize>(at - low)));
  }
  return true;
}

/**
 * ENTER with nesting level 0 to 31 (SDM Vol. 2A, "ENTER"). All is probed first, the final RSP too,
 * where a write must be possible although there is none.
 */
export function enter(core: usize, p: usize): bool {
  const cpu = Cpu.of(core);
  const size = <u32>Rec.at(p).size;
  const frame = <u64>Rec.at(p).imm & 0xffff;
  const level = <u32>(Rec.at(p).imm >> 16) & 31;
  const words = level ? level + 1 : 1;
  const end = cpu.rsp;
  const frameAt = end - size;
  const low = end - words * size;
  for (let i: u32 = 0; i < words; i++) {
    if (!probeWrite(core, frameAt - i * size, size, SSFAULT)) return false;
  }
  if (!probeWrite(core, low - frame, size, SSFAULT)) return false;
  if (!level) {
    if (!writeUser(core, frameAt, size, cpu.rbp, SSFAULT)) return false;
  } else {
    if (!ownWords(core, low, size, words)) return false;
    storeSized(scratchEnter + <usize>(frameAt - low), size, cpu.rbp);
    for (let i: u32 = 1; i < level; i++) {
      if (!copyDisplay(core, cpu.rbp - i * size, size, low, i * size, end)) return false;
    }
    storeSized(scratchEnter, size, frameAt);
    // The last read may have taken a TLB entry of the stack
    for (let i: u32 = 0; i < words; i++) {
      if (!probeWrite(core, frameAt - i * size, size, SSFAULT)) return false;
    }
    if (!storeWords(core, low, size, words, scratchEnter)) return false;
  }
  if (size == 8) cpu.rbp = frameAt;
  else setReg<u16>(core, RBP, <u16>frameAt);
  cpu.rsp = low - frame;
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

/** Check a far target's segment at level `cpl`. A gate is #GP. */
function checkFar(core: usize, selector: u32, cpl: u32, direct: bool): bool {
  if (!(selector & 0xfffc)) return raise(core, GP, 0);
  const code = descriptorOf(core, selector, GP);
  if (code == NO_DESCRIPTOR) return false;
  // A return takes its level from the RPL; a jump may only have one further in than its own
  if (direct && !isConforming(code) && (selector & 3) > cpl) {
    return raise(core, GP, selectorError(selector));
  }
  const legality = checkCode(core, code, selector, cpl);
  if (legality == CODE_BAD) return false;
  if (legality == CODE_LEGACY) {
    Core.of(core).run = RUN_UNIMPLEMENTED;
    return false;
  }
  return true;
}

/** Go to a far target whose segment has passed the check. */
function goFar(core: usize, selector: u32, rip: u64, cpl: u32): bool {
  if (!canonical(rip)) return raise(core, GP, 0);
  setSelector(core, CS, (selector & 0xfffc) | cpl);
  Cpu.of(core).rip = rip;
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
  if (!checkFar(core, selector, cpu.cpl, true)) return false;
  if (!call) return goFar(core, selector, target, cpu.cpl);
  const rsp = cpu.rsp - (size << 1);
  const back = cpu.line + rec.nextOff;
  const old = <u64>getSelector(core, CS);
  // As on silicon, a target that is not canonical faults behind the stores, with RSP unchanged
  if (!storeBoth(core, rsp + size, size, old, rsp, size, back, SSFAULT)) return false;
  if (!goFar(core, selector, target, cpu.cpl)) return false;
  cpu.rsp = rsp;
  return true;
}

/** A word of the far return frame; `farRead` tells whether it could be read. */
let farRead: bool = false;

function farWord(core: usize, depth: u64, size: u32): u64 {
  const host = top(core, depth, size);
  farRead = host != 0;
  if (!host) return 0;
  return loadSized(host, size);
}

/** RETF, to the same or an outer level */
export function returnFar(core: usize, p: usize): bool {
  const cpu = Cpu.of(core);
  const size = <u32>Rec.at(p).size;
  const extra = <u64>Rec.at(p).imm & 0xffff;
  const popped = <u64>(size << 1) + extra;
  const rip = farWord(core, 0, size);
  if (!farRead) return false;
  const selector = <u32>farWord(core, size, size) & 0xffff;
  if (!farRead) return false;
  const cpl = selector & 3;
  if (cpl < cpu.cpl) return raise(core, GP, selectorError(selector));
  if (cpl == cpu.cpl) {
    if (!checkFar(core, selector, cpl, false) || !goFar(core, selector, rip, cpl)) return false;
    cpu.rsp += popped;
    return true;
  }
  const rsp = farWord(core, popped, size);
  if (!farRead) return false;
  const ss = <u32>farWord(core, popped + size, 2);
  if (!farRead) return false;
  if (!checkFar(core, selector, cpl, false) || !checkStack(core, ss, cpl)) return false;
  if (!goFar(core, selector, rip, cpl)) return false;
  setSelector(core, SS, ss);
  dropInnerSegments(core, cpl);
  setCpl(core, cpl);
  cpu.rsp = rsp + extra;
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

/**
 * MOV Sreg, s. After SS no interrupt is taken, and no single step traps, before the next
 * instruction (SDM Vol. 3A 6.8.3, "Masking Exceptions and Interrupts When Switching Stacks").
 */
export function moveToSegment(core: usize, p: usize): bool {
  const segment = <u32>Rec.at(p).cc;
  if (!loadSegment(core, segment, getReg<u16>(core, Rec.at(p).s))) return false;
  if (segment == SS) {
    Cpu.of(core).shadow = SHADOW_SS;
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
