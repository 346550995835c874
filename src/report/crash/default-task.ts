// Whom a session is about before anybody has said so. In crash(8) that is the task that panicked;
// here, too, and on a machine that hangs the task that does: it waits for what nobody will do, by
// the record that the kernel leaves of each sleep (include/smpbox-debug.h), while others wait for
// such a task, or for something that may take for ever.
import type { Machine } from "../../engine/machine.ts";
import {
  SLEEP_AIO, SLEEP_AIO_DRAIN, SLEEP_CV, SLEEP_DISK, SLEEP_FUTEX, SLEEP_MUTEX, SLEEP_T_LOCKED,
  TASK_DEAD, TASK_RUNNING,
} from "../../machine/debug-block.ts";
import type { Guest } from "../../machine/guest.ts";
import type { KernelTask } from "../../machine/tasks.ts";

/**
 * The likeliest first. Who waits for a disk, or for events, waits for no task; a mutex or the end
 * of a transaction is held up by one that does. A futex may stand for either; pause() is no hang.
 */
const KINDS = [
  SLEEP_DISK, SLEEP_AIO, SLEEP_AIO_DRAIN, SLEEP_MUTEX, SLEEP_CV, SLEEP_T_LOCKED, SLEEP_FUTEX,
];

/** Undefined if the kernel has no tasks that are known. */
export function defaultTask(
  machine: Machine, guest: Guest, tasks: readonly KernelTask[],
): KernelTask | undefined {
  const panicked = machine.debugBlock()?.panic === undefined ? undefined
    : tasks.find(({ runs }) => runs !== undefined && isInPanic(machine, runs));
  const programs = tasks.filter(({ pgd, idle }) => pgd !== 0n && !idle);
  const [first] = programs.filter(isAsleep)
    .map((task) => ({ task, rank: rankOf(machine, guest, task) }))
    .sort((a, b) => a.rank - b.rank);
  const running = programs.find(({ runs }) => runs !== undefined);
  return panicked ?? first?.task ?? running ?? tasks.find(({ idle }) => !idle) ?? tasks[0];
}

/** One that has ended is not, nor one that is woken and waits for a CPU. */
const isAsleep = ({ state, runs }: KernelTask) =>
  runs === undefined && state !== TASK_RUNNING && !(state & TASK_DEAD);

/** The message is there before the machine ends, which only that CPU does. */
const isInPanic = (machine: Machine, cpu: number) =>
  machine.symbolAt(machine.view.cpu(cpu).rip)?.name.startsWith("panic") ?? false;

/** The smaller, the more it hangs. */
function rankOf(machine: Machine, guest: Guest, { place }: KernelTask): number {
  const kind = KINDS.indexOf(Number(guest.value(place, "sleep.kind") ?? 0n));
  if (kind < 0) return KINDS.length;
  // Events that it has not seen are what detector I001 looks for.
  return KINDS[kind] === SLEEP_AIO && hasEvents(machine, guest.value(place, "sleep.object"))
    ? kind - 0.5 : kind;
}

const hasEvents = (machine: Machine, object?: bigint) =>
  machine.debugBlock()?.kioctxs().some(({ address, head, tail }) =>
    address === object && head !== tail) ?? false;
