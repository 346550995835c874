// last: the last labelled steps of all CPUs. The allocators' steps are many and say nothing of what
// raced, so they are shown only when they are asked for.
import { ALLOCATOR } from "../../cases/shadow.ts";
import type { TraceEvent } from "../../core/trace.ts";
import { InputError } from "../../machine/preset.ts";
import { Names } from "../names.ts";
import { wrap } from "../text.ts";
import { folded, labelName, placeName, STEP_KINDS, valueOf } from "./machine.ts";
import { countOf } from "./memory.ts";
import { bareHex, type Session } from "./session.ts";

const COUNT_DEFAULT = 20;
const ALL = ["-a", "--all"];
const ALLOCATORS: ReadonlySet<number> = new Set(Object.values(ALLOCATOR));
/** What those of the slab do with an object: the word that they access is none of its members. */
const OF_SLAB: Record<number, string> = {
  [ALLOCATOR.SA]: "taken", [ALLOCATOR.SF]: "freed", [ALLOCATOR.SL]: "moved",
};

/** "last [-a] [COUNT]" */
export function last(session: Session, words: readonly string[]): string[] {
  const all = words.some((word) => ALL.includes(word));
  const [count, extra] = words.filter((word) => !ALL.includes(word));
  if (extra !== undefined || count?.startsWith("-")) {
    throw new InputError("usage: last [-a] [COUNT]");
  }
  const { view } = session.machine;
  const events = view.trace((kind, label) => label !== 0 && kind in STEP_KINDS);
  const shown = events.filter(({ label }) => all || !ALLOCATORS.has(label))
    .slice(-countOf(count, COUNT_DEFAULT));
  const left = all ? [] : events.filter(({ label, time }) =>
    ALLOCATORS.has(label) && (shown.length === 0 || time >= shown[0].time));
  const names = new Names(session.machine);
  return [
    ...shown.length ? shown.flatMap((event) => stepLines(session, names, event))
      : ["no labelled step was executed"],
    ...left.length ? leftOut(session, left) : [],
  ];
}

/** "38 steps of the allocators (SA, SF) are left out; last -a shows them" */
function leftOut(session: Session, left: readonly TraceEvent[]): string[] {
  const labels = [...new Set(left.map(({ label }) => label))].sort((a, b) => a - b)
    .map((label) => labelName(session, label));
  const steps = left.length === 1 ? "1 step of the allocators is"
    : `${left.length} steps of the allocators are`;
  return wrap(`(${steps} left out: ${labels.join(", ")}; last -a shows them)`).split("\n");
}

function stepLines(session: Session, names: Names, event: TraceEvent): string[] {
  const { time, cpu, kind, label, phys, value } = event;
  const what = STEP_KINDS[kind];
  const head = `${String(time).padStart(10)}  cpu${cpu}  ` +
    `${labelName(session, label).padEnd(4)} ${what.padEnd(6)} `;
  const name = slabName(names, label, Number(phys)) ?? placeName(session, names, Number(phys));
  return folded(head, `${name} ${valueOf(what, value)}`);
}

/** The word of a free object links it to the next one: "file ffffffff803f1380 taken; next free". */
function slabName(names: Names, label: number, phys: number): string | undefined {
  const object = label in OF_SLAB ? names.slabs.at(phys) : undefined;
  return object && `${object.cache.name} ${bareHex(object.lin)} ${OF_SLAB[label]}; next free`;
}
