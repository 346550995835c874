// What every output says of a run under another memory model than the machine's own.
import type { MemoryModel } from "../machine/topology.ts";

const NOTES: Record<MemoryModel, string | undefined> = {
  tso: undefined,
  sc: "sequentially consistent, no store buffer",
  "tso-adv": "adversarial drains",
};

/** Some words for a report; undefined for `tso`. */
export function memoryNote(memory: MemoryModel): string | undefined {
  return NOTES[memory];
}
