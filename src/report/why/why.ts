// Why a machine waits for ever, or read what no order of its instructions gives: the run once more
// with all accesses in the trace, and what they show (stale.ts, sleepers.ts) in words (story.ts).
import * as abi from "../../../assembly/abi.ts";
import { Accesses, ACCESS_OPTIONS, follow } from "../../engine/accesses.ts";
import type { CreateOptions, Machine, RunResult } from "../../engine/machine.ts";
import type { RunHooks } from "../../engine/session.ts";
import { Session } from "../crash/session.ts";
import type { Explanation } from "./explanation.ts";
import { episodesOf, type LostWakeup, lostWakeups } from "./sleepers.ts";
import { causeOf, type Crossing, needsBuffer, Reorderings } from "./stale.ts";
import { linesOf, Teller } from "./story.ts";
import { capital, sleeps, taskOf, unseenBy, wordOf } from "./unseen.ts";
import { rightWaitsOf } from "./waits.ts";

/** With these the machine has to be made. */
export const WHY_OPTIONS = ACCESS_OPTIONS;

/** Runs a machine made with WHY_OPTIONS to its end or to `until`, and says what went wrong. */
export async function why(
  machine: Machine, hooks: RunHooks = {}, until = 0n,
): Promise<{ result?: RunResult; found: Explanation[] }> {
  const reorderings = new Reorderings();
  const accesses = new Accesses((store, early) => reorderings.onVisible(store, early));
  reorderings.watch(accesses);
  const result = await follow(machine, accesses, hooks, until);
  if (result?.exit === "cancelled") return { result, found: [] };
  const session = new Session({ machine, result, image: "", seed: 0n, note: "" });
  const teller = new Teller(session);
  const right = new Set(rightWaitsOf(machine).map(({ pid }) => pid));
  // Only of a machine at rest is it known that a task will never be woken.
  const episodes = result?.exit !== "hang" ? []
    : episodesOf(session.guest, session.tasks, accesses).filter(({ task }) => !right.has(task.pid));
  const lost = withoutRepeats(
    lostWakeups(session.guest, episodes, accesses, teller.kindOf));
  const told = new Set(lost.map(({ episode }) => episode));
  // Who looked for a sleeper later is known of a run that was recorded to its end.
  const whole = !machine.view.u64(abi.M_TRACE_FROM) && !machine.view.u64(abi.M_TRACE_TO);
  const unseen = episodes.filter((episode) => whole && !lost.length && !told.has(episode))
    .flatMap((episode) => unseenBy(episode, session, accesses, teller) ?? []);
  const known = new Set(lost.map(({ crossing }) => keyOf(crossing)));
  const rest = [...reorderings.found.values()]
    .filter(({ crossing }) => !known.has(keyOf(crossing)))
    .sort((a, b) => b.count - a.count);
  return {
    result,
    found: [
      ...lost.map((one) => lostWakeup(one, session, teller)),
      ...unseen,
      ...rest.map(({ crossing, count }): Explanation => ({
        kind: "reordering", cause: "store buffer", needsBuffer: true, count, crossing,
        title: "A load overtook a store that came before it in the program, and the other CPU " +
          `saw it (${count === 1 ? "once" : `${count} times; the last one`}):`,
        paragraphs: teller.tell(crossing),
      })),
    ],
  };
}

/** To look at the accesses has changed the run, which must not be. */
export class RunDiffers extends Error {
  override name = "RunDiffers";

  constructor() {
    super("the run comes out different while its accesses are recorded: a bug of smpbox");
  }
}

/** For a machine that was not made for it: it runs once more, to where it stands. */
export async function whyAgain(
  machine: Machine, ended: boolean, hooks: RunHooks = {}, window: Partial<CreateOptions> = {},
): Promise<Explanation[]> {
  const again = await machine.again({ ...WHY_OPTIONS, counters: false, ...window });
  try {
    const { found } = await why(again, hooks, ended ? 0n : machine.view.now);
    if (again.stateHash() === machine.stateHash()) return found;
    throw new RunDiffers();
  } finally {
    again.close();
  }
}

export function lostWakeup(
  { episode, crossing, names }: LostWakeup, session: Session, teller: Teller,
): Explanation {
  const end = names ? ":"
    : "; what it had looked at was changed by a CPU that had missed what it had stored:";
  return {
    kind: names ? "lost wake-up" : "asleep",
    cause: causeOf(crossing),
    needsBuffer: needsBuffer(crossing),
    task: taskOf(episode),
    crossing,
    title: names ? `Lost wake-up: ${sleeps(episode, session)}${end}`
      : `${capital(sleeps(episode, session))}${end}`,
    paragraphs: [
      ...teller.tell(crossing), ...(names ? [] : wordOf(episode, session, teller)),
    ],
  };
}

const keyOf = ({ first, second }: Crossing) =>
  [first, second].map(({ cpu, store }) => `${cpu}:${store.time}`).sort().join();

/**
 * Both sides may sleep later; it is the one that looked at nothing else before it slept, or went to
 * sleep next. First those that somebody looked for: the others may wait for these, and rightly.
 */
export function withoutRepeats(lost: readonly LostWakeup[]): LostWakeup[] {
  const best = new Map<string, LostWakeup>();
  const slept = ({ episode, crossing }: LostWakeup) =>
    episode.until - crossing.first.read.time;
  for (const one of lost) {
    const known = best.get(keyOf(one.crossing));
    const better = known && (Number(one.acted) - Number(known.acted) || slept(known) - slept(one));
    if (better === undefined || better > 0) best.set(keyOf(one.crossing), one);
  }
  return [...best.values()].sort((a, b) =>
    Number(b.names) - Number(a.names) || a.episode.until - b.episode.until);
}

/**
 * Lines of a terminal; `hint`: how to see what is more than `limit`. `atRest`: the run ended since
 * nothing was left to do, so that who sleeps does so for ever.
 */
export function whyLines(
  found: readonly Explanation[], limit: number, hint = "--all shows them", atRest = true,
): string[] {
  const shown = found.slice(0, limit).flatMap(({ title, paragraphs }, i) =>
    [...(i ? [""] : []), ...linesOf([title]).map((line) => line.trim()), ...linesOf(paragraphs)]);
  const more = found.length - limit;
  if (found.length === 0) {
    return [
      "Nothing to explain: no two CPUs that had both stored missed each other's stores,",
      ...(atRest
        ? ["and of who sleeps nobody had looked at what was changed later by a CPU that",
          "missed it."]
        : ["and the machine is not at rest: of who sleeps somebody may still be woken."]),
    ];
  }
  return more > 0 ? [...shown, "", `${more} more (${hint})`] : shown;
}
