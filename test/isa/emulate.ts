// What our CPU makes of a batch of cases, in ring 3 with the segments of a Linux process.
import { CORE_CPU } from "../../assembly/abi.ts";
import { USER_CS, USER_SS } from "./families-transfer.ts";
import { FlatBox, TABLES } from "./flat-box.ts";
import { GATES, GATE_STACK, installGates, writeGate } from "./gates.ts";
import { DATA_BYTES, SILICON_CODE, SILICON_DATA, States } from "./state.ts";

/** Linux' GDT from selector 8 on, as far as a program can see it. */
const LINUX_GDT = 0xb000;
const LINUX_DESCRIPTORS = [
  0n, 0x00cf9b000000ffffn, 0x00af9b000000ffffn, 0x00cf93000000ffffn, 0x00cffb000000ffffn,
  0x00cff3000000ffffn, 0x00affb000000ffffn,
];

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
const CR0_AM = 1 << 18;

// Offsets in the Cpu (assembly/isa/cpu.ts)
const CR0 = 240;
const FS_BASE = 160;
const GS_BASE = 168;

/** A box with gates for all exceptions, and Linux' segments. */
export function userBox(file?: string): FlatBox {
  const box = new FlatBox(file);
  installGates(box);
  for (const vector of [3, 4]) writeGate(box, vector, { dpl: 3 });
  LINUX_DESCRIPTORS.forEach((descriptor, i) => box.write(LINUX_GDT + 8 * i, 8, descriptor));
  return box;
}

function begin(box: FlatBox, s: States): void {
  box.exports.resetUser(box.core, BigInt(SILICON_CODE), BigInt(TABLES), USER_CS, USER_SS);
  box.setTables(LINUX_GDT, 8 * LINUX_DESCRIPTORS.length - 1);
  box.copyIn(SILICON_CODE, s.code);
  box.copyIn(SILICON_DATA, s.data);
  box.bytes.set(s.regs, box.core + CORE_CPU);
  box.view.setUint32(box.core + FS_BASE, s.fs, true);
  box.view.setUint32(box.core + GS_BASE, s.gs, true);
  box.view.setUint32(box.core + CR0, box.view.getUint32(box.core + CR0, true) | CR0_AM, true);
  box.setFlags(s.flags);
  box.exports.setCpl(box.core, 3); // AC counts from now on
}

/** Run case `s`; the outcome goes into the current state of `out`. */
function emulateOne(box: FlatBox, s: States, out: States): void {
  begin(box, s);
  for (let n = 0; n < STEPS_MAX && box.rip === SILICON_CODE; n++) box.step();
  const vector = (box.rip - GATES) / 16;
  const faulted = box.rip >= GATES && box.rip < GATES + 16 * 256;
  out.copyFrom(s);
  out.regs.set(box.bytes.subarray(box.core + CORE_CPU, box.core + CORE_CPU + 128));
  out.bases.set(box.bytes.subarray(box.core + FS_BASE, box.core + FS_BASE + 16));
  out.data.set(box.slice(SILICON_DATA, DATA_BYTES));
  out.signal = faulted ? SIGNALS[vector] ?? SIGSEGV : 0;
  out.flags = box.getFlags();
  out.rip = box.rip - SILICON_CODE;
  if (!faulted) return;
  const frame = GATE_STACK - 40;
  if (box.get("rsp") !== BigInt(frame - (WITH_ERROR_CODE.includes(vector) ? 8 : 0))) {
    throw new Error(`a wrong frame for vector ${vector}`);
  }
  const word = (at: number) => Number(BigInt.asUintN(32, box.read(frame + at, 8)));
  out.rip = word(0) - SILICON_CODE;
  out.flags = word(16);
  out.setHalves(4, word(24), Number(box.read(frame + 24, 8) >> 32n));
}

export function emulate(box: FlatBox, cases: States): States {
  const out = new States(cases.count);
  for (let i = 0; i < cases.count; i++) emulateOne(box, cases.select(i), out.select(i));
  return out;
}
