// Case 002: how many requests must be answered with an error (I002b). Which sectors are bad is in
// the description of the disks, and which record is where in the workload: nothing of the kernel is
// asked, so an error counts even if the kernel lost it before any labelled access.
import type { Disk } from "../machine/disks.ts";

/** The stages of w002, in their order: a bit of `stages` each. Even ones write. */
const STAGES = 4;

export interface Plan {
  disks: readonly Disk[];
  /** Of each file, and their sectors; a file is the beginning of a disk. */
  records: number;
  recordSectors: number;
  stages: number;
}

/** What all of the program's files have counted. */
export interface Answered {
  submitted: number;
  eio: number;
}

interface Expected extends Answered {
  /** Requests without an event, and events that nobody has seen. */
  missing: number;
  unread: number;
}

/**
 * Requests with a bad sector in the stages that were submitted as a whole. Undefined where the host
 * does not know: a drive that is gone fails what is under way just then; with several files the sum
 * of what they have submitted tells no stage.
 */
export function injectedIn(plan: Plan, submitted: number): number | undefined {
  const { disks, records, recordSectors, stages } = plan;
  if (disks.some(({ gone }) => gone !== undefined)) return undefined;
  if (disks.length !== 1) return undefined;
  const run = Array.from({ length: STAGES }, (_, stage) => stage)
    .filter((stage) => (stages >> stage) & 1).slice(0, Math.floor(submitted / records));
  return run.reduce((sum, stage) =>
    sum + badRecords(disks[0], stage % 2 === 0 ? "write" : "read", records, recordSectors), 0);
}

function badRecords(
  { errors }: Disk, direction: "read" | "write", records: number, sectors: number,
): number {
  const ranges = errors.filter((range) =>
    range.direction === direction || range.direction === "both");
  return Array.from({ length: records }, (_, record) => BigInt(record * sectors))
    .filter((first) => ranges.some((range) =>
      range.first < first + BigInt(sectors) && range.last >= first)).length;
}

/**
 * Answers that nothing explains: errors of more requests than have failed, by the trace (`failed`)
 * or by the host's knowledge of the bad sectors, and answers that are neither -EIO nor all of it.
 */
export function unfounded(
  plan: Plan, failed: number, { submitted, eio, other }: Answered & { other: number },
): number {
  // A stage that has begun may have met all of its bad sectors.
  const begun = Math.ceil(submitted / plan.records) * plan.records;
  const most = Math.min(failed, injectedIn(plan, begun) ?? failed);
  return Math.max(0, eio - most) + other;
}

/** Injected errors for which there is neither an event with an error nor one that is missing. */
export function unreported(
  injected: number | undefined, { eio, missing, unread }: Expected,
): number {
  return Math.max(0, (injected ?? 0) - eio - missing - unread);
}
