// What why finds: who sleeps or which load overtook which store, by which accesses, in words.
import type { Crossing } from "./stale.ts";

export interface Explanation {
  /**
   * "asleep": nothing names the sleeper to who changed what it had looked at; what it waits for is
   * not known.
   */
  kind: "lost wake-up" | "asleep" | "reordering";
  /** Of this run, as a case has it. */
  cause: "store buffer" | "interleaving";
  /** Do the four accesses need a store buffer in any order, so that full fences exclude them? */
  needsBuffer: boolean;
  /** Who sleeps, on which CPU it did last run, and until when. */
  task?: { pid: number; comm: string; cpu: number; since: number };
  /** Of a reordering: how often the same four instructions showed it; this is the last time. */
  count?: number;
  /** Not of a sleeper that nobody looked for. */
  crossing?: Crossing;
  title: string;
  paragraphs: string[];
}
