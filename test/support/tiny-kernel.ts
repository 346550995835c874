// Kernels of a few instructions, as bytes: what a test knows to the last access.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { elfFile, note, PT } from "../host/elf-file.ts";

const KERNEL = 0x200000n;
/** Exit with code 0: mov $0xf4, %dx; mov $0, %al; out %al, (%dx); cli; 1: hlt; jmp 1b */
const EXIT = [0x66, 0xba, 0xf4, 0x00, 0xb0, 0x00, 0xee, 0xfa, 0xf4, 0xeb, 0xfd];

const u32 = (value: number) => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** mov (phys), %rax */
export const load = (phys: number) => [0x48, 0x8b, 0x04, 0x25, ...u32(phys)];
/** mov %rax, (phys) */
export const store = (phys: number) => [0x48, 0x89, 0x04, 0x25, ...u32(phys)];
/** lock incl (phys) */
export const lockIncrement = (phys: number) => [0xf0, 0xff, 0x04, 0x25, ...u32(phys)];
export const MFENCE = [0x0f, 0xae, 0xf0];
export const WBINVD = [0x0f, 0x09];
/** mov (%rsi), %rax; add $64, %rsi */
export const LOAD_NEXT_LINE = [0x48, 0x8b, 0x06, 0x48, 0x83, 0xc6, 0x40];

/** `count` times `body`, then the end; %rsi begins at 0x800000. */
export function loop(count: number, body: number[]): number[] {
  const start = [0xbe, ...u32(0x800000), 0xb9, ...u32(count)]; // mov $..., %esi; mov $count, %ecx
  const back = u32(-(body.length + 8));
  return [...start, ...body, 0xff, 0xc9, 0x0f, 0x85, ...back, ...EXIT]; // dec %ecx; jnz
}

/** Writes kernel files into a folder of their own. */
export function kernelFolder() {
  const folder = mkdtempSync(join(tmpdir(), "smpbox-kernel-"));
  let count = 0;
  return {
    /** Path of a kernel with this code at its entry. */
    file(code: number[]): string {
      const path = join(folder, `kernel${count++}.elf`);
      const data = new Uint8Array(code);
      const headers = [
        { type: PT.load, lin: KERNEL, phys: KERNEL, data },
        { type: PT.note, data: note("smpbox", "kernel") },
      ];
      writeFileSync(path, elfFile({ entry: KERNEL, headers }));
      return path;
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
