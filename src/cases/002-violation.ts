// Case 002: what a run that has stopped violates, of I002a to I002c, and what made it happen.
import type { RunResult } from "../engine/machine.ts";
import { near, type Outcome, outcomeOf, overwrittenInBuffer } from "./002-outcome.ts";
import type { Compared } from "./002-story.ts";
import type { Failure } from "./case.ts";
import type { DioRequest } from "./dio-trace.ts";

export function countsOf(requests: readonly DioRequest[]): Partial<Record<Outcome, number>> {
  const counts: Partial<Record<Outcome, number>> = {};
  for (const request of requests) {
    const outcome = outcomeOf(request);
    if (outcome) counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

const MASKED = "a write failed, and is reported without its error";

/** What of a run the invariants are about; of its requests those that judgedOf() names. */
export interface Shown {
  counts: Partial<Record<Outcome, number>>;
  /** Requests of the contexts, if nothing is pending. */
  active: number;
  missing: number;
  leaked: number;
  /** Errors that the host knows of, and of which nobody was told. */
  unseen: number;
  /** Events against what became of their requests. */
  compared: Compared;
  /** Answers without a reason that the host, or the trace, knows of. */
  unfounded: number;
  /** Sectors that are not what a write that was reported as full has written. */
  wrong: number;
  /** Accesses to objects that are free. */
  late: number;
  /** Requests that ended in the kiocb of another one. */
  strangers: number;
  holes: boolean;
}

/** Those that can be judged: in a run that was cut short, the ones that were freed before. */
export const judgedOf = (requests: readonly DioRequest[], over: boolean): readonly DioRequest[] =>
  over ? requests : requests.filter(({ freed }) => freed);

const found = (invariant: string, what: string, title?: string): Failure =>
  ({ invariant, what, title, events: [], cause: "no race" });

/** I002a to I002c; UAF where none of them is violated. */
export function violationOf(shown: Shown): Failure | undefined {
  const { leaked, late, strangers } = shown;
  const failure = accountingOf(shown) ?? answersOf(shown);
  if (failure) return failure;
  if (leaked > 0) {
    return found("I002c", `${leaked} requests are never freed`, "a request is never freed");
  }
  if (late > 0) {
    return found("UAF", `what is free is accessed ${late} times`,
      "an object is accessed after it was freed");
  }
  if (strangers > 0) {
    return found("UAF", `${strangers} requests end in the kiocb of another one`,
      "a kiocb is used after its request has ended");
  }
  return undefined;
}

/** I002a. */
function accountingOf({ counts, active, missing, compared }: Shown): Failure | undefined {
  if (active > 0 && missing > 0) {
    return found("I002a",
      `${active} requests have no event, although no bio and no command of theirs is under way`,
      counts.lost ? undefined : "a request has ended without an event");
  }
  if (active > 0) {
    return found("I002a", `${active} requests have their event, and never end`,
      "a request that has its event never ends");
  }
  const twice = Math.max(counts.twice ?? 0, compared.twice);
  if (twice > 0) {
    return found("I002a", `${twice} requests are reported twice`, "a request is reported twice");
  }
  return undefined;
}

/** I002b. */
function answersOf(
  { counts, unseen, compared, unfounded, wrong, holes }: Shown,
): Failure | undefined {
  // What the trace shows, what the events say, or what the host knows to be missing, whatever the
  // kernel did with it.
  const byOrder = (counts.short ?? 0) + (counts.overwritten ?? 0);
  const masked = Math.max(byOrder, unseen, compared.masked);
  // Each write into a hole has sectors that fail, and is done in part.
  if (masked > 0 && holes) {
    const writes = masked === 1 ? "a write that failed in part is" :
      `${masked} writes that failed in part are`;
    return found("I002b", `${writes} reported without an error`, MASKED);
  }
  if (masked > 0) {
    return found("I002b", `${masked} writes that failed are reported as done in full`, MASKED);
  }
  if (wrong > 0) {
    return found("I002b", `${wrong} sectors are not what a write reported as done has written`,
      "a write is reported as done, and is not");
  }
  const strange = Math.max(unfounded, compared.unfounded);
  if (strange > 0) {
    return found("I002b", `${strange} requests of which nothing failed are not reported as done`,
      "a request is reported with an error that it did not have");
  }
  return undefined;
}

/** An error that comes when its submitter has returned needs no race; the others do. */
export function causeOf(requests: readonly DioRequest[]): Failure["cause"] {
  const outcomes = requests.map((request) => outcomeOf(request));
  if (outcomes.every((outcome) => (outcome ?? "reported") === "reported")) return "not recorded";
  const isPlain = (request: DioRequest, i: number) =>
    outcomes[i] === "lost" || (outcomes[i] === "partial" && !near(request));
  if (requests.some(isPlain)) return "no race";
  const written = requests.filter((_, i) => outcomes[i] === "overwritten");
  return written.length > 0 && written.every(overwrittenInBuffer) ? "store buffer" : "interleaving";
}

export function brokenBy(
  exit: RunResult["exit"], failure: Failure | undefined, missing: number,
): string | undefined {
  if (failure) return undefined;
  if (exit === "hang") return "everything sleeps, but not as I002a describes";
  if (exit !== 0) return `exit ${exit}`;
  return missing > 0 ? `it ended with ${missing} events missing` : undefined;
}
