// A schedule as one printable string: every decision is a letter, upper case for a step of a thread
// (A is thread 0), lower case for the drain of its oldest buffered store; a number behind a letter
// says how often. `A2b` is two steps of P0, then a store of P1 becomes visible.
import { EXPLORE_THREADS_MAX } from "../../assembly/abi.ts";
import { InputError } from "../machine/preset.ts";

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
      throw new InputError(`schedule: letter ${at + 1} is ${text[at]}; write A to P or a to p`);
    }
    const code = match[1].charCodeAt(0);
    const count = match[2] ? Number(match[2]) : 1;
    if (decisions.length + count > DECISIONS_MAX) {
      throw new InputError(`schedule: at most ${DECISIONS_MAX} decisions`);
    }
    for (let i = 0; i < count; i++) decisions.push(code < 97 ? code - 65 : code - 97 + DRAIN);
  }
  return decisions;
}

/** A schedule and what its steps mean: where they end depends on which words are shared. */
export interface Run {
  decisions: Decisions;
  /** Linear addresses, multiples of 8, ascending; absent: those that a search finds. */
  shared?: bigint[];
}

const WORD_BYTES = 8n;

/** `A2b:402030x2.7e0000003ff8`: the decisions, and the words in ranges of neighbours. */
export function runText({ decisions, shared }: Run): string {
  const schedule = scheduleText(decisions);
  if (!shared?.length) return schedule;
  const sorted = [...shared].sort((a, b) => (a < b ? -1 : 1));
  const ranges: { from: bigint; words: number }[] = [];
  for (const lin of sorted) {
    const last = ranges.at(-1);
    if (last && lin === last.from + WORD_BYTES * BigInt(last.words)) last.words++;
    else ranges.push({ from: lin, words: 1 });
  }
  const list = ranges.map(({ from, words }) =>
    `${from.toString(16)}${words > 1 ? `x${words}` : ""}`);
  return `${schedule}:${list.join(".")}`;
}

export function parseRun(text: string): Run {
  const [schedule, list] = text.split(":", 2);
  const decisions = parseSchedule(schedule);
  if (list === undefined) return { decisions };
  const shared = list.split(".").flatMap((range) => {
    const match = /^([0-9a-f]{1,16})(?:x(\d{1,4}))?$/.exec(range);
    const from = match && BigInt(`0x${match[1]}`);
    if (!match || from === null || from % WORD_BYTES) {
      throw new InputError(`schedule: ${range} is no range of words: write 402030 or 402030x2`);
    }
    return Array.from({ length: Number(match[2] ?? 1) }, (_, i) => from + WORD_BYTES * BigInt(i));
  });
  return { decisions, shared };
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
