// What goes into the core file of a stopped machine: its CPUs as threads, then the tasks that no
// CPU runs, each with the registers that it goes on with.
import type { Machine } from "../engine/machine.ts";
import { coreFile, type CoreFile, mappings, type Thread } from "../machine/core-file.ts";
import { Guest, USER_END } from "../machine/guest.ts";
import { kernelTasks, type KernelTask, sleepingRegisters } from "../machine/tasks.ts";
import { entryFrames } from "./entry-frames.ts";

/** CPU n is thread n + 1: gdb takes 0 for no thread. */
const FIRST_CPU = 1;
/** Task p is thread 1000 + p, out of the way of the CPUs. */
export const FIRST_TASK = 1000;
const RUN_FLAGS = 2n;

export interface CoreThread extends Thread {
  /** "cpu3" or "task 17 (w001)". */
  name: string;
  where: string;
}

export interface CoreDump extends CoreFile {
  threads: CoreThread[];
  /** The process whose memory is in the user's half. */
  process?: KernelTask;
}

/** The kernel's memory and types, by the page tables of CPU 0. */
export function kernelGuest(machine: Machine): Guest {
  return new Guest(machine.ramView(), machine.view.cpu(0).cr3, machine.debugInfo.kernel.types);
}

/**
 * `image`: the file name of the kernel's image. `pid`: whose memory is in the user's half; default
 * the first process.
 */
export function coreDump(machine: Machine, image: string, pid?: number): CoreDump {
  const guest = kernelGuest(machine);
  const tasks = kernelTasks(guest, machine.view.cpus);
  const threads: CoreThread[] = Array.from({ length: machine.view.cpus }, (_, cpu) => {
    const { rip, registers, cpl, fsBase, gsBase } = machine.view.cpu(cpu);
    const flags = BigInt(machine.flagsOf(cpu));
    const user = cpl === 3;
    return {
      id: FIRST_CPU + cpu, rip, registers, flags, user, fsBase, gsBase,
      name: `cpu${cpu}`, where: machine.describe(rip),
    };
  });
  // Programs first: a reader looks for those.
  for (const task of [...tasks].sort((a, b) => Number(b.pgd !== 0n) - Number(a.pgd !== 0n))) {
    if (task.runs !== undefined || task.idle) continue;
    const saved = sleepingRegisters(guest, task);
    if (!saved) continue;
    const { rip, registers } = saved;
    threads.push({
      id: FIRST_TASK + task.pid, rip, registers, flags: RUN_FLAGS, user: false,
      fsBase: 0n, gsBase: 0n, name: `task ${task.pid} (${task.comm})`,
      where: machine.describe(rip),
    });
  }
  const process = tasks.find(({ pgd, pid: id }) => pgd !== 0n && (pid ?? id) === id);
  const own = process ? mappings(guest.ram, process.pgd).filter(({ lin }) => lin < USER_END) : [];
  const shared = mappings(guest.ram, guest.cr3);
  // A kernel that runs on the identity map has its memory in what is the user's half elsewhere.
  const kernel = process ? shared.filter(({ lin }) => lin >= USER_END) : shared;
  const file = coreFile(image, threads, [...own, ...kernel], entryFrames(machine));
  return { ...file, threads, process };
}
