// Who holds a spin lock: of the locked accesses to it, the last one that found it free took it.
import { TRACE_LOCKED } from "../core/trace.ts";
import { TRACE_ALL_STORES } from "../../assembly/trace-kinds.ts";
import type { Place } from "../machine/guest.ts";
import { translate } from "../machine/page-walk.ts";
import type { Session } from "./crash/session.ts";
import { commOf } from "./crash/tasks.ts";
import { Names } from "./names.ts";

/** A machine made with these knows who has taken a lock, by which instruction. */
export const LOCK_OPTIONS = {
  // All locked accesses of all CPUs, for longer than any lock is held.
  traceEvents: 1 << 16, traceKinds: (1 << TRACE_LOCKED) | TRACE_ALL_STORES, history: 1,
} as const;

/** workloads/kernel/arch/spinlock.h: 1 is free, and a LOCK DEC that finds it takes the lock. */
const FREE = 1n;

/** "free"; or by which CPU a spinlock_t's slock is held, in which function, by whom, since when. */
export function lockText(session: Session, { lin }: Place): string {
  const { machine, guest } = session;
  const slock = BigInt.asIntN(32, guest.number(lin, 4) ?? 0n);
  if (slock === FREE) return "free";
  const phys = translate(guest.ram, guest.cr3, lin);
  const taken = machine.view.trace((kind) => kind === TRACE_LOCKED)
    .findLast(({ phys: at, value }) => Number(at) === phys && BigInt.asIntN(32, value) === FREE);
  const waited = slock < 0n ? "; others wait for it" : "";
  if (!taken) return `held, by whom the trace does not show${waited}`;
  const { symbol } = new Names(machine).instruction(taken.extra);
  const task = session.tasks.find(({ runs }) => runs === taken.cpu);
  const who = task ? `, ${commOf(task)}` : "";
  return `held by cpu${taken.cpu} in ${symbol}${who}, since ${taken.time}${waited}`;
}
