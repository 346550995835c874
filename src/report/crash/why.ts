// why: the wake-ups that were lost, or what overtook what, as smpbox why tells it.
import { InputError } from "../../machine/preset.ts";
import { whyAsleepAgain } from "../why/asleep.ts";
import { rightLines, rightWaits } from "../why/waits.ts";
import { whyAgain, whyLines } from "../why/why.ts";
import type { Session } from "./session.ts";

const SHOWN = 3;
const ALL = "--all";

/** "why [--all] [PID|TASK]": of one task, or of all that there is. */
export async function why(
  session: Session, words: readonly string[], signal?: AbortSignal,
): Promise<string[]> {
  const [text, extra] = words.filter((word) => word !== ALL);
  if (extra !== undefined || text?.startsWith("-")) {
    throw new InputError("usage: why [--all] [PID|TASK]");
  }
  const all = words.includes(ALL);
  const { machine, guest, tasks, subject: { result } } = session;
  const wanted = text === undefined ? undefined : session.task(text).pid;
  const waiting = rightWaits(guest, tasks, machine.debugInfo.program?.types);
  const own = waiting.filter(({ pid }) => pid === wanted);
  // Nothing was lost to it: the run need not be looked at.
  if (own.length) return rightLines(own, true);
  const hooks = { signal };
  const asleep = result?.exit === "hang" ? await whyAsleepAgain(machine, wanted, hooks) : [];
  const found = asleep.length ? asleep : await whyAgain(machine, result !== undefined, hooks);
  const told = found.filter((one) => wanted === undefined || one.task?.pid === wanted);
  const right = wanted === undefined ? rightLines(waiting, all) : [];
  return [
    ...whyLines(told, all ? Infinity : SHOWN, undefined, result?.exit === "hang"),
    ...(right.length ? ["", ...right] : []),
  ];
}
