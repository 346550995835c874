// An IDT for tests: vector n enters at GATES + 16 n, in ring 0, on a stack of its own.
import type { FlatBox } from "./flat-box.ts";

export const IDT = 0x9000;
export const GATES = 0x20000;
export const TSS = 0xa000;
/** Top of the stack of exceptions: away from what the tests look at. */
export const GATE_STACK = 0xf0000;

export interface GateOptions {
  /** 0: the present stack, or RSP0 from an outer ring; 1: GATE_STACK always. */
  ist?: number;
  /** 14 for interrupt gates, 15 for trap gates. */
  type?: number;
  dpl?: number;
}

export function writeGate(box: FlatBox, vector: number, options: GateOptions = {}): void {
  const { ist = 1, type = 14, dpl = 0 } = options;
  const target = BigInt(GATES + 16 * vector);
  const low = (target & 0xffffn) | (0x10n << 16n) | (BigInt(ist) << 32n) |
    (BigInt(0x80 | (dpl << 5) | type) << 40n) | ((target >> 16n) << 48n);
  box.write(IDT + 16 * vector, 8, low);
  box.write(IDT + 16 * vector + 8, 8, 0n);
}

/**
 * Step until a gate is entered: an exception may be delivered with its instruction or in a step
 * after.
 */
export function stepToGate(box: FlatBox): void {
  for (let n = 0; n < 3 && (box.rip < GATES || box.rip >= GATES + 16 * 256); n++) box.step();
}

/** Gates for the 256 vectors, and a TSS with RSP0 and IST1. */
export function installGates(box: FlatBox): void {
  for (let vector = 0; vector < 256; vector++) writeGate(box, vector);
  box.write(TSS + 4, 8, BigInt(GATE_STACK - 0x1000));
  box.write(TSS + 36, 8, BigInt(GATE_STACK));
  box.write(TSS + 102, 2, 0x68n); // no I/O permission map
  box.setTable("idt", IDT, 0xfff);
  box.setTable("tr", TSS, 0x67);
}
