// Tasks that sleep for ever although what they looked at has changed: when each went to sleep,
// what it had read before and who changed that later, and what that one read of what the task had
// stored.
import { type Accesses, granuleOf, type Load, type Store } from "../../engine/accesses.ts";
import { SLEEP_FUTEX, TASK_RUNNING } from "../../machine/debug-block.ts";
import type { Guest } from "../../machine/guest.ts";
import { translate } from "../../machine/page-walk.ts";
import type { KernelTask } from "../../machine/tasks.ts";
import { STACK_BYTES } from "../names.ts";
import {
  crossingsOf, type Episode, isProgram, lastLook, latest, type Meeting, type PlaceKind,
  programTimes, type Signs,
} from "./meetings.ts";
import { type Crossing, needsBuffer } from "./stale.ts";

export interface LostWakeup {
  episode: Episode;
  crossing: Crossing;
  /** What the sleeper stored leads to it: who looked there would have found it. */
  names: boolean;
  /** The program's last look at anything shared; or a look of the kernel's. */
  acted: boolean;
}

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
    const left = latest(recent.flatMap(({ stores }) => stores));
    if (!left) return [];
    const came = latest(recent.flatMap(({ loads }) => loads), left.time);
    return [{ task, cpu: left.cpu, from: came?.time ?? 0, until: left.time }];
  });
}

/** The likeliest reason why the task of each episode was not woken, where there is one. */
export function lostWakeups(
  guest: Guest, episodes: readonly Episode[], accesses: Accesses,
  kindOf: (phys: number) => PlaceKind,
): LostWakeup[] {
  const programs = programTimes(accesses);
  return episodes.flatMap((episode) => {
    const signs = signsOf(guest, episode.task);
    const futex = futexOf(guest, episode.task);
    const found = crossingsOf(
      episode, accesses, { ...signs, futex, kindOf, changed: changedIn(guest) }, programs);
    const best = likeliest(found);
    if (!best) return [];
    const { read } = best.crossing.first;
    const last = lastLook(episode, accesses, futex);
    const acted = !isProgram(read) || !last || read.time >= last.time;
    return [{ episode, crossing: best.crossing, names: best.names, acted }];
  });
}

/**
 * Best is a crossing in which somebody missed a store that names the sleeper; a program may have
 * other signs, and then a reordering explains itself. If what names the sleeper was looked for in
 * another system call than the one that matters, a reordering comes before it. Of equal ones the
 * closest meeting is the one that matters.
 */
export function likeliest<T extends Meeting>(found: readonly T[]): T | undefined {
  const rank = ({ crossing, names, apart }: T) => {
    if (names && needsBuffer(crossing)) return 0;
    if (names && !apart) return 1;
    if (needsBuffer(crossing)) return 2;
    return names ? 3 : 4;
  };
  return [...found].sort((a, b) => rank(a) - rank(b) || a.crossing.span - b.crossing.span)[0];
}

/**
 * Is what a load found no longer there? `store` is the first of another CPU after it: if both are
 * locked, what that one found is what the first one left.
 */
export function changedIn({ ram }: Guest): (load: Load, store: Store) => boolean {
  return ({ phys, size, value, locked }, store) => {
    const bytes = Array.from({ length: size }, (_, i) => BigInt(ram.getUint8(phys + i)));
    const left = locked && store.locked && store.phys === phys ? store.value : value;
    return bytes.reduceRight((all, byte) => (all << 8n) | byte, 0n) !==
      BigInt.asUintN(8 * size, left);
  };
}

/** Where the word is on which a task sleeps. */
export function futexOf(guest: Guest, { place, pgd }: KernelTask): number | undefined {
  if (guest.value(place, "sleep.kind") !== BigInt(SLEEP_FUTEX)) return undefined;
  return translate(guest.ram, pgd, guest.value(place, "sleep.object")!);
}

/** What stores say of a task. */
export function signsOf(guest: Guest, { place, stack }: KernelTask): Signs {
  const first = translate(guest.ram, guest.cr3, place.lin);
  const isIn = (value: bigint, start: bigint, bytes: number) =>
    value >= start && value < start + BigInt(bytes);
  return {
    points: ({ value, size }) => size === 8 &&
      (isIn(value, place.lin, place.type.bytes) || isIn(value, stack, STACK_BYTES)),
    within: ({ phys }) =>
      first !== undefined && phys >= first && phys < first + place.type.bytes,
  };
}
