// What our CPU makes of a batch of cases, in ring 3 with the segments of a Linux process.
import { CORE_CPU } from "../../assembly/abi.ts";
import { USER_CS, USER_SS } from "./families-transfer.ts";
import { FlatBox, FS_BASE, TABLES } from "./flat-box.ts";
import { GATES, GATE_STACK, installGates, stepToGate, writeGate } from "./gates.ts";
import { DATA_BYTES, SILICON_CODE, SILICON_DATA, States } from "./state.ts";

/** Linux' GDT from selector 8 on, as far as a program can see it. */
export const LINUX_GDT = 0xb000;
const LINUX_DESCRIPTORS = [
  0n, 0x00cf9b000000ffffn, 0x00af9b000000ffffn, 0x00cf93000000ffffn, 0x00cffb000000ffffn,
  0x00cff3000000ffffn, 0x00affb000000ffffn,
];
export const GDT_LIMIT = 8 * LINUX_DESCRIPTORS.length - 1;

const SIGILL = 4;
const SIGTRAP = 5;
const SIGBUS = 7;
const SIGFPE = 8;
const SIGSEGV = 11;
/** The signal that Linux makes of an exception. */
const SIGNALS: Record<number, number> = {
  0: SIGFPE, 1: SIGTRAP, 3: SIGTRAP, 6: SIGILL, 12: SIGBUS, 17: SIGBUS,
};
const WITH_ERROR_CODE = [8, 10, 11, 12, 13, 14, 17];
/** Steps of one instruction: a repeated string instruction, a fault and its delivery. */
const STEPS_MAX = 64;

/** Linux lets programs have their alignment checked, by EFLAGS.AC. */
const CR0_AM_BIT = 18;
/** Offset in the Cpu (assembly/isa/cpu.ts) */
const CR0 = 240;

/** Linux maps nothing below: a program that has come there faults. */
export const USER_MIN = 0x10000;
/** A page-directory entry of 2 MiB that is the supervisor's. */
const SUPERVISOR_PAGE = 0xe3n;

/** A box with gates for all exceptions, and Linux' segments. */
export function userBox(file?: string): FlatBox {
  const box = new FlatBox(file);
  box.write(TABLES + 0x2000, 8, SUPERVISOR_PAGE);
  installGates(box);
  for (const vector of [3, 4]) writeGate(box, vector, { dpl: 3 });
  LINUX_DESCRIPTORS.forEach((descriptor, i) => box.write(LINUX_GDT + 8 * i, 8, descriptor));
  return box;
}

/**
 * Registers and segment bases of a case, into the core block `core`. With the flags set and the CPL
 * set anew, alignment is checked if they say so.
 */
export function begun(core: Uint8Array, s: States): void {
  core.set(s.regs, CORE_CPU);
  core.set(s.bases, FS_BASE);
  core[CR0 + (CR0_AM_BIT >> 3)]! |= 1 << (CR0_AM_BIT & 7);
}

function begin(box: FlatBox, s: States): void {
  box.exports.resetUser(box.core, BigInt(SILICON_CODE), BigInt(TABLES), USER_CS, USER_SS);
  box.setTables(LINUX_GDT, GDT_LIMIT);
  box.copyIn(SILICON_CODE, s.code);
  box.copyIn(SILICON_DATA, s.data);
  begun(box.bytes.subarray(box.core), s);
  box.setFlags(s.flags);
  box.exports.setCpl(box.core, 3); // AC counts from now on
}

/** A CPU after an instruction, or in the gate of its exception. */
export interface After {
  rip: number;
  flags: number;
  regs: Uint8Array;
  bases: Uint8Array;
  data: Uint8Array;
  /** 8 bytes of the stack of exceptions. */
  stack: (lin: number) => bigint;
}

/** What that means for case `s`, into the current state of `out`. */
export function outcome(s: States, out: States, after: After): void {
  const vector = (after.rip - GATES) / 16;
  const faulted = after.rip >= GATES && after.rip < GATES + 16 * 256;
  out.copyFrom(s);
  out.regs.set(after.regs);
  out.bases.set(after.bases);
  out.data.set(after.data);
  out.signal = faulted ? SIGNALS[vector] ?? SIGSEGV : 0;
  out.flags = after.flags;
  out.rip = after.rip - SILICON_CODE;
  if (!faulted) return;
  const frame = GATE_STACK - 40;
  const pushed = frame - (WITH_ERROR_CODE.includes(vector) ? 8 : 0);
  if (out.low(4) !== pushed || out.high(4)) throw new Error(`a wrong frame for vector ${vector}`);
  const word = (at: number) => Number(BigInt.asUintN(32, after.stack(frame + at)));
  out.rip = word(0) - SILICON_CODE;
  out.flags = word(16);
  out.setHalves(4, word(24), Number(after.stack(frame + 24) >> 32n));
}

/** Run case `s`; the outcome goes into the current state of `out`. */
function emulateOne(box: FlatBox, s: States, out: States): void {
  begin(box, s);
  for (let n = 0; n < STEPS_MAX && box.rip === SILICON_CODE; n++) box.step();
  if (box.rip < USER_MIN) stepToGate(box);
  outcome(s, out, {
    rip: box.rip,
    flags: box.getFlags(),
    regs: box.bytes.subarray(box.core + CORE_CPU, box.core + CORE_CPU + 128),
    bases: box.bytes.subarray(box.core + FS_BASE, box.core + FS_BASE + 16),
    data: box.slice(SILICON_DATA, DATA_BYTES),
    stack: (lin) => box.read(lin, 8),
  });
}

export function emulate(box: FlatBox, cases: States): States {
  const out = new States(cases.count);
  for (let i = 0; i < cases.count; i++) emulateOne(box, cases.select(i), out.select(i));
  return out;
}
