// Where a task that went to sleep met another CPU: what it looked at and the other one changed
// later, and what that one looked at of what the task had stored.
import {
  type Accesses, granuleOf, type Load, type Recent, type Store,
} from "../../engine/accesses.ts";
import type { KernelTask } from "../../machine/tasks.ts";
import { type Crossing, crossingOf, isStale } from "./stale.ts";

/** The last time that a task ran. */
export interface Episode {
  task: KernelTask;
  cpu: number;
  from: number;
  until: number;
}

export interface Meeting {
  crossing: Crossing;
  /** The sleeper's store leads to it. */
  names: boolean;
  /** Between its look and its store one of the two went back to its program. */
  apart: boolean;
}

/** What a store says of a task. */
export interface Signs {
  /** It puts a pointer to the task, or into its kernel stack: into a queue, say. */
  points(store: Store): boolean;
  /** It is into its struct task. */
  within(store: Store): boolean;
}

/**
 * "inner": stacks of the kernel, spin locks, run queues. To look at these is no look at what a task
 * waits for; at a task one looks to wake it.
 */
export type PlaceKind = "inner" | "task" | "other";

/** What is known of the sleeper, and of places. */
export interface Sleeper extends Signs {
  /** Where the word is on which it sleeps, of a program. */
  futex?: number;
  kindOf(phys: number): PlaceKind;
  /** Is there another value now than what a load found, and `store` of another CPU changed? */
  changed(load: Load, store: Store): boolean;
}

/**
 * What a kernel does for one wake-up, and for a task that goes to sleep, is done within so many
 * cycles. What it did before has nothing to do with the sleep: two CPUs that take turns at a list
 * look and store there, too. A program may take its time.
 */
export const NEAR_CYCLES = 20_000;
/** Who looks at a list and stores there so soon does not look for sleepers: it joins them. */
const JOIN_CYCLES = 1000;
/** The kernel is linked at the upper end of the linear addresses, programs near the lower one. */
const KERNEL_RIP = 2 ** 31;
export const isProgram = ({ rip }: Load | Store) => rip < KERNEL_RIP;

/** When each CPU was in a program, as far as is known, in order. */
export function programTimes({ places }: Accesses): Map<number, Float64Array> {
  const times = new Map<number, number[]>();
  for (const recents of places.values()) {
    for (const { cpu, loads, stores } of recents) {
      const own = times.get(cpu) ?? [];
      times.set(cpu, own);
      for (const load of loads) if (isProgram(load)) own.push(load.time);
      for (const store of stores) if (isProgram(store)) own.push(store.time);
    }
  }
  return new Map([...times].map(([cpu, own]) => [cpu, Float64Array.from(own).sort()]));
}

export function crossingsOf(
  episode: Episode, { places }: Accesses, sleeper: Sleeper, programs: Map<number, Float64Array>,
): Meeting[] {
  const missed: { read: Load; store: Store }[] = [];
  const told: { store: Store; others: Recent[]; points: boolean }[] = [];
  for (const place of places.values()) {
    const own = place.find(({ cpu }) => cpu === episode.cpu);
    if (!own || place.length < 2) continue;
    const others = place.filter((recent) => recent !== own);
    missed.push(...missedLooks(episode, own, others, sleeper));
    for (const store of own.stores.filter((one) => isWithin(episode, one))) {
      if (isProgram(store) || isNear(store.time, episode.until)) {
        told.push({ store, others, points: sleeper.points(store) });
      }
    }
  }
  return missed.flatMap(({ read, store }) => told.flatMap(({ store: own, others, points }) => {
    const theirs = others.find(({ cpu }) => cpu === store.cpu);
    const names = points || sleeper.within(own);
    // A program may look into a queue, by a system call, long before it stores.
    const far = points && isProgram(read);
    if (!theirs || (!names && !isNear(own.time, read.time))) return [];
    return theirs.loads
      .filter((load) => !load.locked && (far || isNear(load.time, store.time)) &&
        granuleOf(load.phys) !== granuleOf(store.phys) && misses(theirs, load, own, store.time) &&
        !(points && joins(theirs, load)))
      .flatMap((load) => {
        const crossing = crossingOf({ cpu: episode.cpu, store: own, read },
          { cpu: store.cpu, store, read: load });
        const apart = isApart(crossing, programs);
        const kind = isProgram(load) ? "other" : sleeper.kindOf(load.phys);
        const counts = kind === "other" || (kind === "task" && sleeper.within(own) && !apart);
        // A look into the queue by an earlier call was for the word, not for what it stores later.
        const stray = far && load.time < store.time && store.phys !== sleeper.futex;
        return counts && !stray ? [{ crossing, names: points || (names && !apart), apart }] : [];
      });
  }));
}

/** Does a look miss a store, and is that not made good by another one soon? */
function misses({ loads }: Recent, load: Load, own: Store, stored: number): boolean {
  const until = Math.max(load.time, stored) + NEAR_CYCLES;
  return isStale(load, own) && !loads.some((later) => later.phys === load.phys &&
    later.time > load.time && later.time < until && !isStale(later, own));
}

/**
 * Of each place the sleeper's last look, if another CPU has changed it since: it acted upon that
 * one. One of a program counts only if it would find something else now, at rest.
 */
function missedLooks(
  episode: Episode, own: Recent, others: readonly Recent[], sleeper: Sleeper,
): { read: Load; store: Store }[] {
  const looks = own.loads.filter((load) => isWithin(episode, load));
  const last = looks.filter(({ phys }, i) => looks.findLastIndex((one) => one.phys === phys) === i);
  return last.flatMap((read) => {
    const store = firstAfter(read, others);
    if (!store) return [];
    const counts = isProgram(read) || (!read.locked && isNear(read.time, episode.until) &&
      sleeper.kindOf(read.phys) === "other");
    // Of a locked store it is not known what it left; and programs have looked long before.
    const asks = isProgram(read) || store.locked;
    return counts && (!asks || sleeper.changed(read, store)) ? [{ read, store }] : [];
  });
}

/** The program's last look at anything that it shares, or at the word on which it sleeps. */
export function lastLook(
  { cpu, from, until }: Episode, { places }: Accesses, futex?: number,
): Load | undefined {
  let last: Load | undefined;
  for (const place of places.values()) {
    const own = place.find((recent) => recent.cpu === cpu);
    for (const load of own?.loads ?? []) {
      const counts = isProgram(load) && load.time >= from && load.time <= until &&
        (place.length > 1 || load.phys === futex);
      if (counts && (!last || load.time > last.time)) last = load;
    }
  }
  return last;
}

/** The last access before a time. */
export function latest<T extends Load | Store>(
  list: readonly T[], before = Infinity,
): T | undefined {
  return list.reduce<T | undefined>((best, one) =>
    one.time < before && (!best || one.time > best.time) ? one : best, undefined);
}

const isWithin = ({ from, until }: Episode, { time }: Load | Store) =>
  time >= from && time <= until;

const isNear = (a: number, b: number) => Math.abs(a - b) < NEAR_CYCLES;

/** Does who looked at a queue change it at once, and so stand in it, or take somebody out? */
export const joins = ({ stores }: Recent, { time }: Load) =>
  stores.some((store) => store.time > time && store.time - time < JOIN_CYCLES);

/** The first store of another CPU that what was read misses. */
export function firstAfter(read: Load, others: readonly Recent[]): Store | undefined {
  const missed = others.flatMap(({ stores }) => stores).filter((store) => isStale(read, store));
  return missed.reduce<Store | undefined>((best, one) =>
    !best || one.time < best.time ? one : best, undefined);
}

/** Did one of the two go back to its program between its look, in the kernel, and its store? */
function isApart({ first, second }: Crossing, programs: Map<number, Float64Array>): boolean {
  return [first, second].some(({ cpu, read, store }) => !isProgram(read) &&
    programs.get(cpu)?.some((time) => time > read.time && time <= store.time));
}
