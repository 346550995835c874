// waitq: who waits in a wait queue. What it is given must be one: an address, a queue, a pointer to
// one, or a struct in which there is exactly one. Who is on another list of the kernel is not known
// from types, as each struct list_head is the same.
import { bare, type Type } from "../../machine/dwarf/types.ts";
import type { Place } from "../../machine/guest.ts";
import { InputError } from "../../machine/preset.ts";
import { valueOf } from "./expression.ts";
import { typeName } from "./print.ts";
import { bareHex, type Session } from "./session.ts";
import { listOf, taskLine } from "./tasks.ts";
import { numberOf, type Value } from "./value.ts";

const QUEUE = "wait_queue_head_t";
const LIST = "list_head";

export function waitq(session: Session, text: string): string[] {
  const { lin, note } = queueNamed(session, text);
  const queue = { lin, type: session.type(QUEUE) };
  const entries = listOf(session, session.member(queue, "task_list"), "wait_queue", "task_list");
  if (entries.length === 0) return [...note, `wait queue ${bareHex(lin)} is empty`];
  return [...note, ...entries.map((entry) => waiterLine(session, lin, entry))];
}

/** A request of AIO has a function instead of a task; what has neither is no entry of a queue. */
function waiterLine(session: Session, lin: bigint, entry: Place): string {
  const { guest, machine, tasks } = session;
  const [owner, wake = 0n] = [guest.value(entry, "private"), guest.value(entry, "func")];
  const known = machine.symbolAt(wake);
  const isEntry = known?.code === true && known.lin === wake;
  const task = isEntry ? tasks.find(({ place }) => place.lin === owner) : undefined;
  if (task) return taskLine(task);
  if (isEntry && owner === 0n) return `(no task) ENTRY: ${bareHex(entry.lin)}  FUNC: ${known.name}`;
  throw new InputError(`${bareHex(lin)}: no wait queue, as what is on its list is no struct ` +
    `wait_queue; give the address of a ${QUEUE}`);
}

/** `note`: which of its members it is. */
function queueNamed(session: Session, text: string): { lin: bigint; note: string[] } {
  const isNumber = /^(0x)?[0-9a-f]+$/i.test(text) && !session.scope.lookup(text);
  const value: Value = isNumber ? {} : session.scope.lookup(text) ?? valueOf(text, session.scope);
  const here = value.type && bare(value.type);
  // Neither a number nor a symbol without a type says what is there.
  const isUntyped = !here || here.kind === "void" || value.lin === undefined;
  if (isUntyped && here?.kind !== "pointer") return { lin: session.address(text), note: [] };
  const to = here?.kind === "pointer" ? here.to : here;
  if (!to) return { lin: numberOf(value, session.scope), note: [] };
  const found = membersOf(to, QUEUE, bare(session.type(QUEUE)));
  if (found.length !== 1) throw notOne(session, text, value, found);
  const [{ path, at }] = found;
  const note = path ? [`(the wait queue of ${typeName(bare(to))} is its member ${path})`] : [];
  return { lin: BigInt.asUintN(64, numberOf(value, session.scope)) + BigInt(at), note };
}

interface Member {
  path: string;
  at: number;
}

/** Those of a type, in structs and unions below `type`, too; "" is `type` itself. */
function membersOf(type: Type, name: string, wanted: Type, path = "", from = 0): Member[] {
  const here = bare(type);
  if ((type.kind === "named" && type.name === name) || isSame(here, wanted)) {
    return [{ path, at: from }];
  }
  if (here.kind !== "struct" && here.kind !== "union") return [];
  return here.members.flatMap((member) => membersOf(member.type, name, wanted,
    [path, member.name].filter(Boolean).join("."), from + member.at));
}

/** Each file of the kernel's source has its own description of one type. */
function isSame(a: Type, b: Type): boolean {
  if (a.kind !== "struct" || b.kind !== "struct" || a.name !== b.name) return false;
  const layoutOf = ({ members }: typeof a) => members.map(({ name, at }) => `${name} ${at}`).join();
  return layoutOf(a) === layoutOf(b);
}

/** What it is instead, and what could be asked for. */
function notOne(
  session: Session, text: string, { type }: Value, queues: readonly Member[],
): InputError {
  const here = bare(type!);
  const to = here.kind === "pointer" ? here.to! : here;
  const whole = /^[$\w]+$/.test(text) || here.kind !== "pointer" ? text : `(${text})`;
  const pathsOf = (members: readonly Member[]) => members.filter(({ path }) => path)
    .map(({ path }) => `${whole}${here.kind === "pointer" ? "->" : "."}${path}`);
  const what = `${text} is ${typeName(bare(to))}`;
  if (queues.length) {
    return new InputError(`${what}, which has ${queues.length} wait queues: give one of ` +
      pathsOf(queues).join(", "));
  }
  const lists = pathsOf(membersOf(to, LIST, bare(session.type(LIST))));
  const hint = lists.length ? `; what is on a list: list TYPE.MEMBER -H ${lists[0]}` : "";
  return new InputError(`${what}, which is no wait queue and has none: waitq needs a ` +
    `${QUEUE}${hint}`);
}
