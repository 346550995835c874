// Tasks that sleep for ever although what they looked at has changed: when each went to sleep,
// what it had read before and who changed that later, and what that one read of what the task had
// stored.
import {
  type Accesses, granuleOf, type Load, type Recent, type Store,
} from "../../engine/accesses.ts";
import { TASK_RUNNING } from "../../machine/debug-block.ts";
import type { Guest } from "../../machine/guest.ts";
import { translate } from "../../machine/page-walk.ts";
import { STACK_BYTES } from "../names.ts";
import type { KernelTask } from "../../machine/tasks.ts";
import { type Crossing, crossingOf, isStale, needsBuffer } from "./stale.ts";

/** The last time that a task ran. */
export interface Episode {
  task: KernelTask;
  cpu: number;
  from: number;
  until: number;
}

export interface LostWakeup {
  episode: Episode;
  crossing: Crossing;
  /** What the sleeper stored leads to it: who looked there would have found it. */
  names: boolean;
}

/**
 * What one CPU does for one wake-up, and what a task does that goes to sleep, is done within so
 * many cycles. What it did before has nothing to do with its sleep: two CPUs that take turns at a
 * list look and store there, too.
 */
export const NEAR_CYCLES = 20_000;

/** Where the switch saves the stack pointer of a task that sleeps; undefined for another one. */
export function switchedAt(guest: Guest, task: KernelTask): number | undefined {
  const asleep = task.state !== TASK_RUNNING && task.runs === undefined && !task.idle;
  const field = asleep ? guest.field(task.place, "kernel_sp") : undefined;
  return field && translate(guest.ram, guest.cr3, field.lin);
}

/** The last episode of each task that sleeps, where the accesses show it. */
export function episodesOf(
  guest: Guest, tasks: readonly KernelTask[], accesses: Accesses,
): Episode[] {
  return tasks.flatMap((task) => {
    const phys = switchedAt(guest, task);
    if (phys === undefined) return [];
    // The switch saves the stack pointer of who leaves, and loads that of who comes.
    const recent = accesses.places.get(granuleOf(phys)) ?? [];
    const left = latest(recent.flatMap(({ stores }) => stores), Infinity);
    if (!left) return [];
    const came = latest(recent.flatMap(({ loads }) => loads), left.time);
    return [{ task, cpu: left.cpu, from: came?.time ?? 0, until: left.time }];
  });
}

function latest<T extends Load | Store>(list: readonly T[], before: number): T | undefined {
  return list.reduce<T | undefined>((best, one) =>
    one.time < before && (!best || one.time > best.time) ? one : best, undefined);
}

/** The likeliest reason why the task of each episode was not woken, where there is one. */
export function lostWakeups(
  guest: Guest, episodes: readonly Episode[], accesses: Accesses,
): LostWakeup[] {
  const programs = programTimes(accesses);
  return episodes.flatMap((episode) => {
    const own = placesOf(guest, episode.task);
    const found = crossingsOf(episode, accesses).map((crossing) => ({
      episode, crossing, names: own(crossing.first.store), apart: isApart(crossing, programs),
    }));
    return likeliest(found) ?? [];
  });
}

/**
 * Best is a crossing in which somebody missed a store that names the sleeper; a program may have
 * other signs, and then a reordering explains itself. If what names the sleeper was looked for in
 * another system call than the one that matters, a reordering comes before it. Of equal ones the
 * closest meeting is the one that matters.
 */
export function likeliest<T extends Pick<LostWakeup, "crossing" | "names"> & { apart: boolean }>(
  found: readonly T[],
): T | undefined {
  const rank = ({ crossing, names, apart }: T) => {
    if (names && needsBuffer(crossing)) return 0;
    if (names && !apart) return 1;
    if (needsBuffer(crossing)) return 2;
    return names ? 3 : 4;
  };
  return [...found].sort((a, b) => rank(a) - rank(b) || a.crossing.span - b.crossing.span)[0];
}

/** The kernel is linked at the upper end of the linear addresses, programs near the lower one. */
const KERNEL_RIP = 2 ** 31;

/** When each CPU was in a program, as far as is known, in order. */
function programTimes({ places }: Accesses): Map<number, Float64Array> {
  const times = new Map<number, number[]>();
  for (const recents of places.values()) {
    for (const { cpu, loads, stores } of recents) {
      const own = times.get(cpu) ?? [];
      times.set(cpu, own);
      for (const { rip, time } of loads) if (rip < KERNEL_RIP) own.push(time);
      for (const { rip, time } of stores) if (rip < KERNEL_RIP) own.push(time);
    }
  }
  return new Map([...times].map(([cpu, own]) => [cpu, Float64Array.from(own).sort()]));
}

/** Did one of the two go back to its program between its look, in the kernel, and its store? */
function isApart({ first, second }: Crossing, programs: Map<number, Float64Array>): boolean {
  return [first, second].some(({ cpu, read, store }) => read.rip >= KERNEL_RIP &&
    programs.get(cpu)?.some((time) => time > read.time && time <= store.time));
}

/** Does a store put a pointer to the task or into its kernel stack, or is it into its struct? */
function placesOf(guest: Guest, { place, stack }: KernelTask): (store: Store) => boolean {
  const first = translate(guest.ram, guest.cr3, place.lin);
  const bytes = place.type.bytes;
  return ({ value, size, phys }) => {
    const within = first !== undefined && phys >= first && phys < first + bytes;
    const to = (start: bigint, length: number) =>
      size === 8 && value >= start && value < start + BigInt(length);
    return within || to(place.lin, bytes) || to(stack, STACK_BYTES);
  };
}

function crossingsOf(episode: Episode, accesses: Accesses): Crossing[] {
  const { cpu, from, until } = episode;
  const inside = ({ time }: Load | Store) =>
    time >= from && time <= until && until - time < NEAR_CYCLES;
  const missed: { read: Load; store: Store }[] = [];
  const told = new Map<number, { store: Store; others: Recent[] }[]>();
  for (const place of accesses.places.values()) {
    if (place.length < 2) continue;
    const own = place.find((recent) => recent.cpu === cpu);
    if (!own) continue;
    const others = place.filter((recent) => recent !== own);
    // The last look at a place is the one that the task acted upon; that of a spin lock is locked.
    const looks = own.loads.filter(inside);
    for (const read of looks.filter((load, i) => !load.locked &&
      looks.findLastIndex(({ phys }) => phys === load.phys) === i)) {
      const store = firstAfter(read, others);
      if (store) missed.push({ read, store });
    }
    for (const store of own.stores.filter(inside)) {
      for (const { cpu: other } of others) {
        const list = told.get(other) ?? [];
        told.set(other, list);
        list.push({ store, others });
      }
    }
  }
  return missed.flatMap(({ read, store }) => (told.get(store.cpu) ?? []).flatMap((one) => {
    const { loads } = one.others.find((recent) => recent.cpu === store.cpu)!;
    const theirs = loads.filter((load) =>
      !load.locked && Math.abs(load.time - store.time) < NEAR_CYCLES &&
      isStale(load, one.store) && granuleOf(load.phys) !== granuleOf(store.phys));
    return theirs.map((load) => crossingOf(
      { cpu, store: one.store, read }, { cpu: store.cpu, store, read: load }));
  }));
}

/** The first store of another CPU that what was read misses. */
function firstAfter(read: Load, others: readonly Recent[]): Store | undefined {
  const missed = others.flatMap(({ stores }) => stores).filter((store) => isStale(read, store));
  return missed.reduce<Store | undefined>((best, one) =>
    !best || one.time < best.time ? one : best, undefined);
}
