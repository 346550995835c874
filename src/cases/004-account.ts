// What a failure of case 004 is, from the trace: the first thing that was done with a request that
// was gone, or that another one had, and the life of that request.
import { TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent } from "../core/trace.ts";
import { COUNT_RULES, type KickStep, type Life, stepOf, usersOf } from "./004-life.ts";
import type { KickLayout, Violation } from "./004-trace.ts";
import type { Failure } from "./case.ts";
import { causeByLoads } from "./immediate-drains.ts";

type Kind = Violation["kind"];

/** Of the wake function: S1 and so on elsewhere, which are labels of case 002 in this kernel. */
const WAKE_STEPS: Partial<Record<KickStep, string>> = { Q1: "S1", Q3: "S3", Q4: "S4", Q6: "S6" };

/** I004a to I004d; no request is made without a layout. */
export function violationOf(
  violations: readonly Violation[], events: readonly TraceEvent[], layout?: KickLayout,
): Failure | undefined {
  const first = violations[0];
  if (!first || !layout) return undefined;
  const { taken, event, object, life } = first;
  const from = taken ?? life.tried ?? life.born ?? event;
  const own = events.filter(({ phys }) => phys >= object && phys < object + BigInt(layout.bytes));
  const story = own.filter((other) =>
    stepOf(other) && other.time >= from.time && other.time <= event.time);
  const isLate = ({ time, cpu }: TraceEvent) => time === event.time && cpu === event.cpu;
  const lines = story.map((other) =>
    `${`${other.time - from.time}`.padStart(8)}  cpu${other.cpu}  ` +
      namesOf(other, isWakeFunctions(first.kind) && isLate(other)));
  return {
    invariant: invariantOf(first.kind),
    what: whatOf(first),
    title: titleOf(first.kind),
    account: [
      `request at ${object.toString(16)}, in cycles from ${stepOf(from)}:`, ...lines,
    ].join("\n"),
    events: story,
    cause: causeByLoads(events, decidingLoads(first, own, layout.base)),
    object,
    moments: momentsOf(first),
    facts: factsOf(first, layout.base),
  };
}

/** KIF_KICKED of the kernel's aio/aio.h. */
const KICKED = 1n;

/**
 * The loads with which the request came to be tried again: P7 found it marked, P3 its entry in no
 * queue, Q6 that it is on no list; and Q4, where that is what fails. Of the stores to their places
 * only Q1 can be in another CPU's buffer: marks are locked instructions, an entry is put into a
 * queue before a fence, the rest is stored under ctx_lock.
 */
function decidingLoads(
  { kind, event, taken, life }: Violation, own: readonly TraceEvent[], base: bigint,
): TraceEvent[] {
  const wakes = isWakeFunctions(kind);
  const from = (wakes ? taken : life.tried ?? life.born)?.time ?? event.time;
  const loads = own.filter((load) => load.kind === TRACE_LOAD && load.time >= from &&
    load.time < event.time && !(wakes && load.cpu === event.cpu) && leadsOn(load, base));
  return kind === "queued again" && loads.length > 0 ? [...loads, event] : loads;
}

function leadsOn(load: TraceEvent, base: bigint): boolean {
  const step = stepOf(load);
  if (step === "P7") return (load.value & KICKED) !== 0n;
  // An empty list points at itself.
  return (step === "P3" || step === "Q6") && load.value === load.phys + base;
}

function invariantOf(kind: Kind): string {
  if (kind === "use after free" || kind === "kick of another request") return "I004a";
  if (kind === "queued again") return "I004b";
  return isCounts(kind) ? "I004d" : "I004c";
}

/** Where it is not that of the report, which is about the wake function. */
function titleOf(kind: Kind): string | undefined {
  if (isWakeFunctions(kind)) return undefined;
  return isCounts(kind) ? "a reference to a request is given up that there was not"
    : "a request is tried, queued or completed when it must not be";
}

/** What a report of case 004 calls it: one of three words, and which of its kinds. */
function kindOf(kind: Kind): string {
  const word = invariantOf(kind) === "I004a" ? "UAF" : kind === "queued again" ? "WARN" : "double";
  return `${word} (${kind})`;
}

const isCounts = (kind: Kind) => COUNT_RULES.some((rule) => rule === kind);

/** That it was put into a queue matters only while it waits there. */
function momentsOf({ kind, taken, event, life }: Violation): NonNullable<Failure["moments"]> {
  const { born, tried, decided, queued, appended, completed, freed } = life;
  const between = isWakeFunctions(kind) ? { decided }
    : { queued: kind === "try in a queue" ? queued : undefined, appended };
  return { born, taken, ...between, tried, completed, freed, used: event };
}

const isWakeFunctions = (kind: Kind) => invariantOf(kind) < "I004c";

function whatOf({ kind, event, life, now }: Violation): string {
  const since = (earlier = event) => `${event.time - earlier.time} cycles`;
  switch (kind) {
    case "queued again":
      return "a request that the wake function has taken out waits in a queue again (WARN_ON)";
    case "two tries":
      return `a request is tried on CPU ${event.cpu} while a try of ${since(life.tried)} ago ` +
        "goes on";
    case "try in a queue":
      return `a request is tried on CPU ${event.cpu} that has waited in a queue for ` +
        `${since(life.queued)} and was not woken`;
    case "try after its end":
      return `a request is tried on CPU ${event.cpu}, ${since(life.completed)} after its event`;
    case "queued after its end":
      return `CPU ${event.cpu} puts a request on run_list, ${since(life.completed)} after its ` +
        "event";
    case "completed again":
      return `a request is completed a second time, ${since(life.completed)} after its event`;
    case "count below 0":
      return `ki_users of a request becomes ${usersOf(event)}: there was no reference to give up`;
    case "count after 0":
      return `a reference to a request is given up after the last one (ki_users: ` +
        `${usersOf(event)} after 0)`;
    case "use after free": case "kick of another request": {
      const after = now.generation === life.generation && life.freed
        ? `${since(life.freed)} after it was freed` : "that is another one by now";
      return `the wake function on CPU ${event.cpu} uses a request ${after}`;
    }
  }
}

/** Kind, request, generation, who freed it where, the access that fails, the count's history. */
function factsOf(violation: Violation, base: bigint): Record<string, string> {
  const { kind, event, taken, life, now, object } = violation;
  const found = event.kind === TRACE_ISSUE || event.kind === TRACE_LOCKED
    ? "" : `, finds 0x${event.value.toString(16)}`;
  return {
    kind: kindOf(kind),
    kiocb: `0x${(object + base).toString(16)}`,
    "request in this place": now.generation === life.generation ? `number ${life.generation}`
      : `number ${life.generation} when it was woken, ${now.generation} when it was used`,
    "taken out of its queue": taken ? whereOf(taken) : missing(life),
    ...(isWakeFunctions(kind) ? {} : waysOf(life)),
    "ended": life.completed ? whereOf(life.completed) : "not in the trace",
    "freed": life.freed ? whereOf(life.freed) : "no",
    "used": `${whereOf(event, isWakeFunctions(kind))}${found}`,
    "ki_users as stored": usersIn(violation),
  };
}

/** How the request came to be tried. */
function waysOf(life: Life): Record<string, string> {
  const where = (event?: TraceEvent) => event ? whereOf(event) : missing(life);
  return {
    "put into a queue": where(life.queued), "put on run_list": where(life.appended),
    "tried before": where(life.tried),
  };
}

/** Of a step that `life` has not. */
const missing = ({ born }: Life) => born ? "never" : "not in the trace";

function usersIn({ kind, event, life }: Violation): string {
  const last = isCounts(kind) ? [event] : [];
  return [life.born, ...life.puts, ...last].flatMap((put) =>
    put ? [`${BigInt.asIntN(32, put.value)} (${whereOf(put)})`] : []).join(", ");
}

const whereOf = (event: TraceEvent, isWake = false) =>
  `${namesOf(event, isWake)} by cpu${event.cpu} at ${event.time}`;

/** Steps of the wake function have two names; Q6 is also one of who tries. */
function namesOf(event: TraceEvent, isWake: boolean): string {
  const step = stepOf(event)!;
  const other = step === "Q6" && !isWake ? undefined : WAKE_STEPS[step];
  return `${step}${other ? ` (${other})` : ""}`;
}
