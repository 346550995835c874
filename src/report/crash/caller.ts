// From a frame to its caller's. The image's call frame information says where the return address
// is, instruction by instruction; assembly without it is left by what pushed RBP, or, before it has
// pushed any, by a return address on the stack behind a call of it.
import type { Session } from "./session.ts";

/** Where a function goes on, or was stopped (`left`), with its stack and frame pointers. */
export interface Position {
  pc: bigint;
  sp: bigint;
  bp: bigint;
  left: boolean;
}

const SEARCHED_MAX = 512;

/** Undefined where the stack cannot be read, or ends. */
export function callerOf(session: Session, here: Position): Omit<Position, "left"> | undefined {
  const { guest } = session;
  const { pc, sp, bp, left } = here;
  const rule = session.machine.debugInfo.kernel.frames.at(left ? pc : pc - 1n);
  if (!rule) return (left ? bySearch(session, here) : undefined) ?? byFramePointer(session, here);
  let end = (rule.base === "rbp" ? bp : sp) + BigInt(rule.offset);
  // Within an inline `pushf; pop` the stack pointer is a word off, unknown to the compiler.
  const isOff = left && rule.base === "rsp" &&
    !isCode(session, guest.number(end - 8n)) && isCode(session, guest.number(end));
  if (isOff) end += 8n;
  const back = guest.number(end - 8n);
  const saved = rule.rbp === undefined ? bp : guest.number(end + BigInt(rule.rbp));
  if (end <= sp || back === undefined || saved === undefined) return undefined;
  return { pc: back, sp: end, bp: saved };
}

function byFramePointer({ guest }: Session, { sp, bp }: Position) {
  const [saved, back] = [guest.number(bp), guest.number(bp + 8n)];
  if (bp < sp || saved === undefined || back === undefined) return undefined;
  return { pc: back, sp: bp + 16n, bp: saved };
}

/** The word at the stack pointer if a call pushed it, else the first that a call of this did. */
function bySearch(session: Session, { pc, sp, bp }: Position) {
  const start = session.machine.symbolAt(pc)?.lin;
  for (let at = sp; at <= bp && at < sp + BigInt(SEARCHED_MAX) * 8n; at += 8n) {
    const back = session.guest.number(at);
    const called = back === undefined ? undefined : calledBefore(session, back);
    // A function that another one jumped to: the call was of that one.
    const isIt = called !== undefined && (called === start || (at === sp && isCode(session, back)));
    if (isIt) return { pc: back!, sp: at + 8n, bp };
  }
  return undefined;
}

/** May `lin` be what a call returns to? */
const isCode = (session: Session, lin?: bigint) =>
  lin !== undefined && session.machine.symbolAt(lin - 1n)?.code === true;

/** What the call before `lin` called (e8 rel32; SDM vol. 2A, "CALL"). */
function calledBefore({ guest }: Session, lin: bigint): bigint | undefined {
  const distance = guest.number(lin - 5n, 1) === 0xe8n ? guest.number(lin - 4n, 4) : undefined;
  return distance === undefined ? undefined : lin + BigInt.asIntN(32, distance);
}
