// Two CPUs that each read a place before the other one changed it: what every lost wake-up and
// every reordering of a store behind a load comes down to. Found in the accesses of a run, without
// knowing the program.
import {
  type Access, type Accesses, granuleOf, type Load, type Recent, type Store,
} from "../../engine/accesses.ts";

/** What one CPU did: it read a place that the other one stores, and stored one that it reads. */
export interface Side {
  cpu: number;
  store: Store;
  read: Load;
}

export interface Crossing {
  /** Each read the old value of what the other one stores. */
  first: Side;
  second: Side;
  /** Cycles from the first of the four accesses to the last store that becomes visible. */
  span: number;
}

/** In its program the store comes first, and its own read overtook it in the store buffer. */
export function overtaken({ store, read }: Side): boolean {
  return read.waiting.includes(store);
}

/** The store comes before the read in the program, be it overtaken or not. */
export const storesFirst = ({ store, read }: Side) => store.time <= read.time;

/** No order of whole instructions explains it: both stored first, and both read old values. */
export function needsBuffer({ first, second }: Crossing): boolean {
  return storesFirst(first) && storesFirst(second);
}

/**
 * With the instructions in the order of this run and each store visible at once, one of the two
 * would have found the other's store: the cause that a case gives, too (immediate-drains.ts). In
 * another order the same four accesses may come about without a store buffer: needsBuffer().
 */
export function causeOf({ first, second }: Crossing): "store buffer" | "interleaving" {
  const hidden = ({ store }: Side, { read }: Side) => !store.locked && store.time < read.time;
  return hidden(first, second) || hidden(second, first) ? "store buffer" : "interleaving";
}

/** Has the store become visible only after the load, and does it say something else? */
export function isStale(load: Load, store: Store): boolean {
  if (store.cpu === load.cpu) return false;
  if (store.visible !== undefined && store.visible <= load.time) return false;
  const [from, to] = [Math.max(load.phys, store.phys), Math.min(endOf(load), endOf(store))];
  // Of a locked access only what it found is known.
  return from < to && (store.locked || partOf(store, from, to) !== partOf(load, from, to));
}

const endOf = ({ phys, size }: Access) => phys + size;

/** Of the value, the bytes from one place to another. */
const partOf = ({ phys, value }: Access, from: number, to: number) =>
  BigInt.asUintN(8 * (to - from), value >> BigInt(8 * (from - phys)));

export function crossingOf(...sides: [Side, Side]): Crossing {
  // What is kept of a place's last load goes on to change with the next one.
  const [first, second] = sides.map((side): Side => ({ ...side, read: { ...side.read } }));
  const times = [first, second].flatMap(({ store, read }) =>
    [store.time, store.visible ?? store.time, read.time]);
  return { first, second, span: Math.max(...times) - Math.min(...times) };
}

/** Reorderings of stores behind loads, as they come to light. */
export class Reorderings {
  /** By the four instructions. */
  readonly found = new Map<string, { crossing: Crossing; count: number }>();
  private accesses?: Accesses;

  /** Whose callback onVisible() is. */
  watch(accesses: Accesses): void {
    this.accesses = accesses;
  }

  /** `early`: loads of the store's CPU while it was in the buffer. */
  onVisible(store: Store, early: readonly Load[]): void {
    const places = this.accesses!.places;
    const readers = places.get(granuleOf(store.phys))!;
    if (readers.length < 2) return;
    for (const read of early) {
      if (!read.waiting.includes(store)) continue;
      const writers = places.get(granuleOf(read.phys))!;
      if (writers.length < 2 || granuleOf(read.phys) === granuleOf(store.phys)) continue;
      for (const writer of writers) {
        const own = writer.cpu === store.cpu ? undefined : readers.find(
          ({ cpu }) => cpu === writer.cpu);
        if (own) this.look({ cpu: store.cpu, store, read }, writer, own);
      }
    }
  }

  private look(first: Side, writer: Recent, reader: Recent): void {
    for (const store of writer.stores) {
      if (!isStale(first.read, store)) continue;
      const read = reader.loads.find((load) =>
        load.time >= store.time && isStale(load, first.store));
      if (!read) continue;
      this.note(crossingOf(first, { cpu: writer.cpu, store, read }));
      return;
    }
  }

  private note(crossing: Crossing): void {
    const sides = [crossing.first, crossing.second];
    // Seen from either side it is the same.
    const key = sides.map(({ cpu, store, read }) => `${cpu}:${store.rip}:${read.rip}`)
      .sort().join();
    const known = this.found.get(key);
    if (!known) {
      this.found.set(key, { crossing, count: 1 });
      return;
    }
    const same = [known.crossing.first, known.crossing.second].some(
      (side) => side.store === crossing.first.store || side.store === crossing.second.store);
    known.crossing = crossing;
    if (!same) known.count++;
  }
}
