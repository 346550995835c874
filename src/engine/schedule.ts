// A schedule as one printable string: every decision is a letter, upper case for a step of a thread
// (A is thread 0), lower case for the drain of its oldest buffered store; a number behind a letter
// says how often. `A2b` is two steps of P0, then a store of P1 becomes visible.
import { EXPLORE_THREADS_MAX } from "../../assembly/abi.ts";

/** As the engine has them: thread i, or i + 16 for its drain. */
export type Decisions = number[];
const DRAIN = EXPLORE_THREADS_MAX;

export function scheduleText(decisions: Decisions): string {
  let text = "";
  for (let i = 0; i < decisions.length;) {
    let end = i;
    while (end < decisions.length && decisions[end] === decisions[i]) end++;
    const letter = String.fromCharCode((decisions[i] < DRAIN ? 65 : 97) + (decisions[i] % DRAIN));
    text += end - i > 1 ? `${letter}${end - i}` : letter;
    i = end;
  }
  return text;
}

const DECISIONS_MAX = 65536;

export function parseSchedule(text: string): Decisions {
  const decisions: Decisions = [];
  const pattern = /([A-Pa-p])(\d*)/y;
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (!match) {
      throw new Error(`schedule: letter ${at + 1} is ${text[at]}; write A to P or a to p`);
    }
    const code = match[1].charCodeAt(0);
    const count = match[2] ? Number(match[2]) : 1;
    if (decisions.length + count > DECISIONS_MAX) {
      throw new Error(`schedule: at most ${DECISIONS_MAX} decisions`);
    }
    for (let i = 0; i < count; i++) decisions.push(code < 97 ? code - 65 : code - 97 + DRAIN);
  }
  return decisions;
}

/**
 * The decisions that matter: none of them can be left out with `fails` still true. `fails` replays
 * a shortened list; it is called at most `triesMax` times.
 */
export function minimise(
  decisions: Decisions, fails: (list: Decisions) => boolean, triesMax = 2000,
): Decisions {
  let list = decisions;
  let tries = 0;
  const test = (shorter: Decisions) => tries++ < triesMax && fails(shorter);
  for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : size >> 1) {
    for (let removed = true; removed;) {
      removed = false;
      for (let at = Math.max(0, list.length - size); ; at -= size) {
        const from = Math.max(0, at);
        const shorter = [...list.slice(0, from), ...list.slice(from + size)];
        if (list.length && test(shorter)) {
          list = shorter;
          removed = true;
        }
        if (at <= 0) break;
      }
      if (size > 1 || tries >= triesMax) break;
    }
  }
  return list;
}
