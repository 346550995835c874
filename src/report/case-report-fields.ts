// The fields that a report tells: numbers as C has them, names, and what the nodes of lists say.
import type { Field } from "../cases/report-plan.ts";
import { bare } from "../machine/dwarf/types.ts";
import { InputError } from "../machine/preset.ts";
import type { KernelTask } from "../machine/tasks.ts";
import { type Frame, framesOf, registersOf } from "./crash/backtrace.ts";
import { scalar, valueLines } from "./crash/print.ts";
import { bareHex, type Session } from "./crash/session.ts";
import { lockText } from "./locks.ts";

/** In hexadecimal or decimal, or a name; "-": this kernel has nothing like it. */
export interface ShownField {
  name: string;
  text: string;
  value?: bigint;
}

export function fieldOf(session: Session, field: Field): ShownField {
  const { name, value: text, radix, names, link, lock, stack } = field;
  if (text === undefined) return { name, text: "-" };
  try {
    if (stack) return { name, text: stackText(session, session.task(text), stack) };
    if (link) return nodeOf(session, name, text);
    const value = session.evaluate(text);
    const place = session.placeOf(text);
    const type = place?.type;
    if (lock && place) return { name, text: lockText(session, place), value };
    if (place && bare(place.type).kind === "array") {
      const cells = valueLines(session.guest, place.lin, place.type, radix ?? 10);
      return { name, text: cells.map((line) => line.trim()).join(" "), value };
    }
    const symbol = value > 0xffffn ? session.machine.symbolAt(value) : undefined;
    const number = radix === 16 || !type ? shown(value, radix) : scalar(value, type, 10);
    const known = names?.[Number(value)] ??
      (symbol?.lin === value ? `${number} <${symbol.name}>` : number);
    return { name, text: known, value };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { name, text: "(not found)" };
  }
}

const shown = (value: bigint, radix?: 10 | 16) =>
  radix === 16 ? `0x${bareHex(value)}` : `${value}`;

function nodeOf(session: Session, name: string, text: string) {
  const node = session.placeOf(text);
  const value = node && session.guest.number(node.lin);
  if (value === undefined) return { name, text: "(not found)" };
  const how = value === 0n ? "NULL" : value === node!.lin ? "alone (points at itself)"
    : `linked, next 0x${bareHex(value)}`;
  return { name, text: how, value };
}

/** By the first of the functions that is there; which one it is belongs to what is told. */
function stackText(session: Session, task: KernelTask, stack: NonNullable<Field["stack"]>): string {
  const found = stack.find(([name]) => frameOf(session, task, name));
  if (found) return `${found[1]} (${found[0]} is on its stack)`;
  return `not known: its stack has none of ${stack.map(([name]) => name).join(", ")}`;
}

/** The frame of a function, of a compiled copy of it, or of one that gcc has made. */
export function frameOf(
  session: Session, task: KernelTask, name: string,
): Frame | undefined {
  const registers = registersOf(session, task);
  const frames = registers ? framesOf(session, registers) : [];
  return frames.find((frame) => frame.name === name ||
    frame.name.startsWith(`${name}__`) || frame.name.startsWith(`${name}.`));
}
