// Working memory of one worker: what an instruction needs for itself while it is decoded or
// executed. asc's static data is one for all workers, because they share the memory, so nothing
// that is written may lie there.

/** The instruction being decoded (operand.ts). */
export let scratchInsn: usize = 0;
/** Page-table entries of a walk, by level (paging.ts). */
export let scratchWalk: usize = 0;
/** The frame that an interrupt pushes (exception.ts). */
export let scratchFrame: usize = 0;
/** What ENTER pushes: 32 words at the most (control.ts). */
export let scratchEnter: usize = 0;

/** Records that nothing executes (decode.ts). */
export let scratchRecords: usize = 0;

export const SCRATCH_BYTES: usize = 768;

export function openScratch(base: usize): void {
  scratchInsn = base;
  scratchWalk = base + 128;
  scratchFrame = base + 192;
  scratchRecords = base + 256;
  scratchEnter = base + 512;
}
