// What a failure of case 004 is, from the trace: the first thing that the wake function did with a
// request that was gone, and the life of that request.
import { TRACE_ISSUE, TRACE_LOCKED, type TraceEvent } from "../core/trace.ts";
import { stepOf, type Violation } from "./004-trace.ts";
import type { Failure } from "./case.ts";

/** I004a or I004b; `base` is what a kernel address is above its physical one. */
export function violationOf(
  violations: readonly Violation[], events: readonly TraceEvent[], base: bigint,
): Failure | undefined {
  const first = violations[0];
  if (!first) return undefined;
  const { taken, event, object, life } = first;
  const story = events.filter((other) => stepOf(other) && other.time >= taken.time &&
    other.time <= event.time && other.phys >= object && other.phys < object + 4096n);
  const lines = story.filter(({ phys }) => phys - object < 256n).map((other) =>
    `${`${other.time - taken.time}`.padStart(8)}  cpu${other.cpu}  ${stepOf(other)}`);
  return {
    invariant: first.kind === "queued again" ? "I004b" : "I004a",
    what: whatOf(first),
    account: [`request at ${object.toString(16)}, in cycles from Q1:`, ...lines].join("\n"),
    events: story,
    cause: "interleaving",
    object,
    moments: {
      born: life.born, taken, decided: life.decided, tried: life.tried,
      completed: life.completed, freed: life.freed, used: event,
    },
    facts: factsOf(first, base),
  };
}

function whatOf({ kind, event, life, now }: Violation): string {
  if (kind === "queued again") {
    return "a request that the wake function has taken out waits in a queue again (WARN_ON)";
  }
  const after = now.generation === life.generation && life.freed
    ? `${event.time - life.freed.time} cycles after it was freed` : "that is another one by now";
  return `the wake function on CPU ${event.cpu} uses a request ${after}`;
}

/** Kind, request, generation, who freed it where, the access that fails, the count's history. */
function factsOf(
  { kind, event, taken, life, now, object }: Violation, base: bigint,
): Record<string, string> {
  const users = [life.born, ...life.puts].flatMap((put) =>
    put ? [`${BigInt.asUintN(32, put.value)} (${whereOf(put)})`] : []);
  const found = event.kind === TRACE_ISSUE || event.kind === TRACE_LOCKED
    ? "" : `, finds 0x${event.value.toString(16)}`;
  return {
    kind,
    kiocb: `0x${(object + base).toString(16)}`,
    "request in this place": now.generation === life.generation ? `number ${life.generation}`
      : `number ${life.generation} when it was woken, ${now.generation} when it was used`,
    "taken out of its queue": whereOf(taken),
    "ended": life.completed ? whereOf(life.completed) : "not in the trace",
    "freed": life.freed ? whereOf(life.freed) : "no",
    "used": `${whereOf(event)}${found}`,
    "ki_users as stored": users.join(", "),
  };
}

const whereOf = (event: TraceEvent) => `${stepOf(event)} by cpu${event.cpu} at ${event.time}`;
