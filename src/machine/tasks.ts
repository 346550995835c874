// The tasks of the bundled kernel (workloads/kernel/core/task.h), and the registers of those that
// no CPU runs: what arch/switch.S left on their stacks.
import type { Guest, Place } from "./guest.ts";

export interface KernelTask {
  place: Place;
  pid: number;
  tgid: number;
  comm: string;
  /** Whose run queue it is on, or was when it went to sleep. */
  cpu: number;
  state: number;
  /** The CPU that runs it. */
  runs?: number;
  idle: boolean;
  /** Physical address of its page tables; 0 for a task without memory of its own. */
  pgd: bigint;
  /** Lowest address of its kernel stack. */
  stack: bigint;
}

/** In the order of their encoding, as in CpuState. */
export interface Registers {
  rip: bigint;
  registers: bigint[];
  /** Those that the switch did not keep are unknown. */
  partial: boolean;
}

const RBX = 3;
const RSP = 4;
const RBP = 5;
/** What switch_to() pushes, from the stack pointer up; the return address follows. */
const SAVED = [15, 14, 13, 12, RBX, RBP];

/** All tasks, the idle ones first; empty for another kernel. */
export function kernelTasks(guest: Guest, cpus: number): KernelTask[] {
  const table = guest.variable("tasks");
  const perCpu = guest.variable("cpus");
  if (!table || !perCpu) return [];
  const current = new Map<bigint, number>();
  const idle: Place[] = [];
  for (const [number, cpu] of guest.elements(perCpu).slice(0, cpus).entries()) {
    const runs = guest.value(cpu, "curr");
    if (runs) current.set(runs, number);
    const task = guest.target(cpu, "rq.idle");
    if (task) idle.push(task);
  }
  const others = guest.elements(table).flatMap((slot) => guest.target(slot) ?? []);
  const task = (place: Place, isIdle: boolean): KernelTask => {
    const number = (path: string) => Number(guest.value(place, path) ?? 0n);
    const comm = guest.field(place, "comm");
    return {
      place,
      pid: number("pid"),
      tgid: number("tgid"),
      comm: comm ? guest.text(comm.lin, 16) : "",
      cpu: number("cpu"),
      state: number("state"),
      runs: current.get(place.lin),
      idle: isIdle,
      pgd: guest.value(place, "pgd_phys") ?? 0n,
      stack: guest.value(place, "stack") ?? 0n,
    };
  };
  const seen = new Set(idle.map(({ lin }) => lin));
  return [
    ...idle.map((place) => task(place, true)),
    ...others.filter(({ lin }) => !seen.has(lin)).map((place) => task(place, false)),
  ];
}

/** Where a task that no CPU runs goes on; undefined if its stack cannot be read. */
export function sleepingRegisters(guest: Guest, { place }: KernelTask): Registers | undefined {
  const stack = guest.value(place, "kernel_sp");
  if (!stack) return undefined;
  const words = Array.from({ length: SAVED.length + 1 }, (_, i) =>
    guest.number(stack + BigInt(i * 8)));
  if (words.includes(undefined)) return undefined;
  const registers: bigint[] = new Array(16).fill(0n);
  SAVED.forEach((register, i) => (registers[register] = words[i]!));
  registers[RSP] = stack + BigInt(words.length * 8);
  return { rip: words.at(-1)!, registers, partial: true };
}
