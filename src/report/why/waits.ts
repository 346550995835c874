// Who sleeps rightly: what such a task waits for has not come, and another task has to bring it.
// Nothing was lost to it, however its looks and others' stores crossed. The kernel leaves a record
// of what each sleep is for (include/smpbox-debug.h), and the thing itself says how it stands.
import type { Machine } from "../../engine/machine.ts";
import {
  SLEEP_FUTEX, SLEEP_MUTEX, SLEEP_PAUSE, SLEEP_T_LOCKED, SLEEP_UPDATES, TASK_DEAD, TASK_RUNNING,
} from "../../machine/debug-block.ts";
import { bare, pathAt, type Type, type Types } from "../../machine/dwarf/types.ts";
import type { Guest, Place } from "../../machine/guest.ts";
import { translate } from "../../machine/page-walk.ts";
import { kernelTasks, type KernelTask } from "../../machine/tasks.ts";
import { kernelGuest } from "../core-dump.ts";
import { nameOf } from "./story.ts";

export interface RightWait {
  pid: number;
  comm: string;
  /** "for the transaction, which is locked" */
  what: string;
}

/** enum t_state of workloads/kernel/fs/journal.h */
const T_LOCKED = 1n;
/** Bit 0 of a mutex' owner: somebody is blocked. */
const OWNER_MASK = ~1n;

type How = (guest: Guest, object: Place, tasks: readonly KernelTask[]) => string | undefined;

/** By the kind of the sleep: the type of its object, and why the sleep is right, if it is. */
const KINDS: Record<number, [type: string, how: How]> = {
  [SLEEP_T_LOCKED]: ["transaction", (guest, transaction) =>
    guest.value(transaction, "t_state") === T_LOCKED
      ? "for the transaction, which is locked" : undefined],
  [SLEEP_UPDATES]: ["transaction", (guest, transaction) => {
    const open = guest.value(transaction, "t_updates");
    return open ? `for the transaction's open handles: ${open}` : undefined;
  }],
  [SLEEP_MUTEX]: ["kmutex_t", (guest, mutex, tasks) => {
    const owner = (guest.value(mutex, "owner") ?? 0n) & OWNER_MASK;
    const task = tasks.find(({ place, state }) => place.lin === owner && !(state & TASK_DEAD));
    return task && `for a mutex that ${nameOf(task)} has`;
  }],
};

export const rightWaitsOf = (machine: Machine) =>
  rightWaits(kernelGuest(machine), kernelTasks(kernelGuest(machine), machine.view.cpus),
    machine.debugInfo.program?.types);

/** Of a stopped machine; `program`: the types and variables of its program. */
export function rightWaits(
  guest: Guest, tasks: readonly KernelTask[], program?: Types,
): RightWait[] {
  return tasks.flatMap((task) => {
    const { pid, comm, place, state, runs } = task;
    if (state === TASK_RUNNING || state & TASK_DEAD || runs !== undefined) return [];
    const kind = Number(guest.value(place, "sleep.kind") ?? 0n);
    if (kind === SLEEP_PAUSE) return [{ pid, comm, what: "for a signal" }];
    if (kind === SLEEP_FUTEX) {
      const thread = program && joined(guest, task, program);
      return thread ? [{ pid, comm, what: `for the thread ${thread} to end` }] : [];
    }
    const [typeName, how] = KINDS[kind] ?? [];
    const type = typeName && guest.types.find(typeName);
    const lin = guest.value(place, "sleep.object");
    const what = type && lin ? how!(guest, { lin, type }, tasks) : undefined;
    return what === undefined ? [] : [{ pid, comm, what }];
  });
}

/** The struct thread (workloads/include/mini.h) that a task waits for in thread_join(). */
function joined(guest: Guest, { place, pgd }: KernelTask, program: Types): string | undefined {
  const word = guest.value(place, "sleep.object")!;
  const variable = program.variableAt(word);
  const type = variable && elementOf(variable.type);
  if (type?.kind !== "struct" || type.name !== "thread") return undefined;
  const path = pathAt(variable!.type, Number(word - variable!.lin));
  const phys = translate(guest.ram, pgd, word);
  const lives = phys !== undefined && guest.ram.getUint32(phys, true) === 0;
  return lives && path.endsWith(".done") ? `${variable!.name}${path.slice(0, -5)}` : undefined;
}

function elementOf(type: Type): Type {
  const here = bare(type);
  return here.kind === "array" ? elementOf(here.of) : here;
}

/** Lines of a terminal: each with --all, else how many. */
export function rightLines(waits: readonly RightWait[], all: boolean): string[] {
  if (waits.length === 0) return [];
  if (!all) {
    const who = waits.length === 1 ? "A task waits" : `${waits.length} tasks wait`;
    return [`${who} rightly, for what another one has to do: --all lists them.`];
  }
  return waits.map((wait) => `${nameOf(wait)} waits rightly ${wait.what}.`)
    .map((line) => `${line[0].toUpperCase()}${line.slice(1)}`);
}
