// A crossing in sentences: who stored what when, how long it sat in the store buffer and behind
// what, who had the lines, what was read meanwhile, and what would have kept it from happening.
// Every number is a cycle of a record of the trace, or a value in one.
import type { Access, Arrival, Load, Store } from "../../engine/accesses.ts";
import type { KernelTask } from "../../machine/tasks.ts";
import { translate } from "../../machine/page-walk.ts";
import { bareHex, type Session } from "../crash/session.ts";
import { Names } from "../names.ts";
import { wrap } from "../text.ts";
import type { PlaceKind } from "./meetings.ts";
import { type Crossing, needsBuffer, overtaken, type Side, storesFirst } from "./stale.ts";

const KERNEL = 1n << 47n;
/** Above it a number is easier to read in hexadecimal. */
const DECIMAL_MAX = 1n << 20n;

export class Teller {
  private readonly session: Session;
  private readonly names: Names;

  constructor(session: Session) {
    this.session = session;
    this.names = new Names(session.machine);
  }

  readonly kindOf = (phys: number): PlaceKind => {
    const lin = this.names.linear(phys);
    if (lin !== undefined && this.names.stackAt(lin) !== undefined) return "inner";
    const name = this.names.data(phys);
    if (/^stack of |\.slock$|^cpus\[/.test(name)) return "inner";
    return name.startsWith("task.") ? "task" : "other";
  };

  data(phys: number): string {
    return this.names.data(phys);
  }

  /** The name of a place. */
  place({ phys }: Access): string {
    return this.data(phys);
  }

  /** "aio_complete, complete.h:40" */
  source({ rip }: Access): string {
    const { symbol, source } = this.names.instruction(rip);
    const known = [symbol, source].filter((part) => part && part !== "?");
    return known.join(", ") || bareHex(BigInt(rip));
  }

  /** What an access stored or found. */
  value({ value, phys, size }: Access): string {
    const shown = BigInt.asUintN(size * 8, value);
    if (size < 8 || shown < KERNEL) {
      return shown < DECIMAL_MAX ? `${shown}` : `0x${bareHex(shown)}`;
    }
    const { guest, tasks } = this.session;
    const target = translate(guest.ram, guest.cr3, shown);
    // The first node of an empty list is the list.
    if (target === phys) return "itself (an empty list)";
    const task = tasks.find(({ place }) => place.lin === shown);
    if (task) return nameOf(task);
    if (target === undefined) return `0x${bareHex(shown)}`;
    // An entry of a wait queue, say: no variable, and so without a name.
    const stack = this.names.stackAt(shown);
    return stack ? `a place in the ${stack}` : `&${this.names.data(target)}`;
  }

  /** Paragraphs, not broken into lines. */
  tell(crossing: Crossing): string[] {
    const [one, two] = [crossing.first, crossing.second].sort((a, b) => begin(a) - begin(b));
    return [...this.side(one, two), ...this.side(two, one), ...this.verdict(crossing)];
  }

  /** "cpu0 loaded flag at 812 (main, order.c:17) and found 0" */
  look(read: Load): string {
    return `cpu${read.cpu} loaded ${this.place(read)} at ${read.time} (${this.source(read)}) and ` +
      `found ${this.value(read)}`;
  }

  /** A look, and the store that it missed. */
  private missed(read: Load, { cpu, visible }: Store): string {
    const late = visible === undefined
      ? "was not visible at the end" : `became visible at ${visible}`;
    return `${this.look(read)}; what cpu${cpu} stores there ${late}.`;
  }

  /** What one CPU found, and another one made of it. */
  change(read: Load, store: Store): string[] {
    return [
      this.missed(read, store), store.locked ? this.exchanged(store) : `${this.put(store)}.`,
    ];
  }

  private put(store: Store): string {
    return `cpu${store.cpu} stored ${this.place(store)} = ${this.value(store)} at ${store.time} ` +
      `(${this.source(store)})`;
  }

  private exchanged(store: Store): string {
    return `cpu${store.cpu} changed ${this.place(store)} by a locked instruction at ` +
      `${store.time} (${this.source(store)}); it was ${this.value(store)}.`;
  }

  private side(side: Side, other: Side): string[] {
    const { store, read } = side;
    const stored = this.stored(side);
    const looked = this.missed(read, other.store);
    if (!storesFirst(side)) return [looked, ...stored];
    if (!overtaken(side)) return [...stored, looked];
    const until = store.visible === undefined ? "" : ` until ${store.visible}`;
    return [
      ...stored, looked,
      `Between the two cpu${side.cpu} executed no fence and no locked instruction: either would ` +
        `have waited${until} for the store buffer, and the load with it.`,
    ];
  }

  private stored(side: Side): string[] {
    const { store, read } = side;
    const { visible } = store;
    if (store.locked) return [this.exchanged(store)];
    const what = this.put(store);
    const until = visible === undefined ? "the end" : `${visible}`;
    if (!overtaken(side)) return [`${what}; it was in the store buffer until ${until}.`];
    const ahead = read.waiting.slice(0, read.waiting.indexOf(store));
    const behind = ahead.length === 0 ? ""
      : `, behind ${ahead.length === 1 ? "a store" : `${ahead.length} stores`}`;
    return [
      `${what}; it sat in the store buffer until ${until}${behind}:`,
      ...runsOf([...ahead, store]).map((run) => `- ${this.waited(run)}`),
    ];
  }

  /** Of stores by one instruction to one place. */
  private waited(run: readonly Store[]): string {
    const [store, last] = [run[0], run[run.length - 1]];
    const count = run.length > 1 ? `${run.length} stores to ` : "";
    const from = `${count}${this.place(store)}, in the buffer from ${store.time} until ` +
      `${last.visible ?? "the end"}`;
    const { arrival } = run.find((one) => one.arrival) ?? store;
    return arrival ? `${from}: ${this.arrived(arrival)}` : `${from}`;
  }

  private arrived({ asked, came, losers }: Arrival): string {
    const had = losers.filter(({ time }) => time >= asked).map(({ cpu, time }) =>
      `cpu${cpu} had it until ${time}`);
    return [`its line was asked for at ${asked}`, ...had, `it came at ${came}`].join(", ");
  }

  private verdict(crossing: Crossing): string[] {
    const sides = [crossing.first, crossing.second];
    if (!needsBuffer(crossing)) return [this.steps(sides)];
    const between = ({ cpu, store, read }: Side) =>
      `between ${this.source(store)} and ${this.source(read)} (cpu${cpu})`;
    const missing = sides.filter(overtaken).map(between);
    const drained = sides.filter((side) => !overtaken(side)).map((side) =>
      `One has to be ${between(side)}, too, if there is none: in this run the store had just ` +
      "left the buffer when the load was executed.");
    return [[
      "Both had stored before they looked, and both looked before the other's store was visible: " +
        "no order of whole instructions gives that, the store buffer does. A full fence (mfence, " +
        `lock or xchg) is missing ${missing.join(", and ")}.`, ...drained,
    ].join(" ")];
  }

  private steps(sides: readonly Side[]): string {
    const [one, two] = sides.map(({ cpu, store, read }) =>
      read.time < store.time ? `cpu${cpu} looked, then stored` : `cpu${cpu} stored, then looked`);
    const hidden = sides.flatMap(({ store }, i) => {
      const { read } = sides[1 - i];
      return store.time <= read.time
        ? [` cpu${store.cpu}'s store was in its store buffer when cpu${read.cpu} looked; but`] : [];
    });
    const but = hidden.length ? `${hidden[0]} another` : " An";
    return `${one}; ${two}; each looked before the other's store was visible.${but} order of ` +
      "whole instructions gives these four accesses, too, so fences alone do not exclude them. " +
      "They cannot come about if look and store are one step on both sides, as under one lock, " +
      "or if both sides store before they look, with a full fence between.";
  }
}

/** Neighbours that one instruction stored to one place. */
function runsOf(stores: readonly Store[]): Store[][] {
  const runs: Store[][] = [];
  for (const store of stores) {
    const last = runs.at(-1);
    if (last && last[0].rip === store.rip && last[0].phys === store.phys) last.push(store);
    else runs.push([store]);
  }
  return runs;
}

export const nameOf = ({ pid, comm }: Pick<KernelTask, "pid" | "comm">) => `task ${pid} (${comm})`;

const begin = ({ store, read }: Side) => Math.min(store.time, read.time);

/** Lines of a terminal. */
export function linesOf(paragraphs: readonly string[]): string[] {
  return paragraphs.flatMap((text) => {
    if (!text.startsWith("- ")) return wrap(text, 78).split("\n").map((line) => `  ${line}`);
    return wrap(text, 76).split("\n").map((line, i) => `  ${i ? "  " : ""}${line}`);
  });
}

/** Accesses that the sentences are about. */
export function accessesOf({ first, second }: Crossing): (Load | Store)[] {
  return [first, second].flatMap(({ store, read }) => [store, read]);
}
