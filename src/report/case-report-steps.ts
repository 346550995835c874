// The labelled accesses that a report tells, which of them, and what their order shows.
import type { Failure } from "../cases/case.ts";
import type { Claim, Part } from "../cases/report-plan.ts";
import { TRACE_COMMIT, TRACE_ISSUE, type TraceEvent } from "../core/trace.ts";
import { bare, pathAt } from "../machine/dwarf/types.ts";
import { translate } from "../machine/page-walk.ts";
import { STEP_KINDS } from "./crash/machine.ts";
import type { Session } from "./crash/session.ts";
import { Names } from "./names.ts";

/** What a report is made from. */
export interface Source {
  failure: Failure;
  events: readonly TraceEvent[];
}

export interface Step {
  time: bigint;
  cpu: number;
  label: string;
  kind: string;
  place: string;
  value: bigint;
  words: string;
}

export interface Steps {
  steps: Step[];
  /** Cycles from the last step to the end, if there is no other. */
  after?: bigint;
  /** What the labels mean. */
  legend?: string;
  claims?: { text: string; holds: boolean }[];
}

type StepPlan = Extract<Part, { steps: unknown }>["steps"];

export function stepsOf(plan: StepPlan, session: Session, source: Source): Steps {
  const { events, failure } = source;
  if (plan.moments && plan.from === undefined && !failure.moments) return { steps: [] };
  const names = new Names(session.machine);
  const ranges = plan.about.flatMap((text) => {
    const place = session.placeOf(text);
    const phys = place && translate(session.guest.ram, session.guest.cr3, place.lin);
    return phys === undefined ? [] : [{ from: phys, to: phys + Math.max(1, place!.type.bytes) }];
  });
  // Of an equal run: other objects, the same events.
  const keyOf = ({ time, cpu, kind, label }: TraceEvent) => `${time} ${cpu} ${kind} ${label}`;
  const marked = new Set(Object.values(plan.moments ? failure.moments ?? {} : {})
    .flatMap((event) => (event ? [keyOf(event)] : [])));
  // With a store also when it became visible: else it would seem to wait to the end.
  for (const event of events.filter(({ kind }) => kind === TRACE_COMMIT)) {
    const issue = { ...event, kind: TRACE_ISSUE, time: event.time - BigInt(event.extra) };
    if (marked.has(keyOf(issue))) marked.add(keyOf(event));
  }
  const own = events.filter((event) => event.label !== 0 && event.kind in STEP_KINDS &&
    (marked.has(keyOf(event)) || ranges.some(({ from, to }) =>
      Number(event.phys) >= from && Number(event.phys) < to)));
  const named = (event: TraceEvent) => session.labels.get(event.label) ?? `#${event.label}`;
  const [first, end] = windowOf(plan, own, named, source);
  const steps = own.filter(({ time }) => time >= first && time <= end).map((event): Step => ({
    time: event.time, cpu: event.cpu, label: named(event), kind: STEP_KINDS[event.kind],
    place: placeName(session, names, Number(event.phys)), value: event.value,
    words: plan.words[`${named(event)} ${STEP_KINDS[event.kind]}`] ??
      plan.words[named(event)] ?? "",
  }));
  const last = steps.at(-1);
  const { now } = session.machine.view;
  return {
    steps, after: last && last.time === own.at(-1)!.time ? now - last.time : undefined,
    legend: steps.length ? plan.legend : undefined,
    claims: plan.claims?.flatMap((claim) => momentClaim(claim, plan, failure, named) ??
      claimOf(claim, steps)),
  };
}

/** What has no name at the end any more may lie in what was found at an earlier moment. */
function placeName(session: Session, names: Names, phys: number): string {
  const name = names.data(phys);
  if (!name.startsWith("0x")) return name;
  const { ram, cr3 } = session.guest;
  for (const { lin, type } of session.named.values()) {
    const from = translate(ram, cr3, lin);
    const own = bare(type);
    if (from === undefined || phys < from || phys >= from + own.bytes || !("name" in own)) continue;
    return `${own.name}${pathAt(own, phys - from)}`;
  }
  return name;
}

function windowOf(
  plan: StepPlan, own: readonly TraceEvent[], named: (event: TraceEvent) => string,
  { failure }: Source,
): [bigint, bigint] {
  const [from, to] = plan.moments?.map((name) => failure.moments?.[name]?.time) ?? [];
  if (to !== undefined) return [from ?? own[0]?.time ?? 0n, to];
  const begin = own.findLast((event) => named(event) === plan.from && event.kind === TRACE_ISSUE);
  return [begin ? begin.time - BigInt(plan.cyclesBefore ?? 0) : 0n, own.at(-1)?.time ?? 0n];
}

/** Of two moments of the failure; undefined where steps are claimed. */
function momentClaim(
  [earlier, later]: Claim, plan: StepPlan, { moments = {} }: Failure,
  named: (event: TraceEvent) => string,
) {
  if (!plan.moments) return undefined;
  const [a, b] = [moments[earlier], moments[later]];
  if (!a || !b) return [];
  const holds = a.time < b.time;
  const where = (event: TraceEvent) => `${named(event)} by cpu${event.cpu} at ${event.time}`;
  return [{ text: `${where(a)} ${holds ? "before" : "NOT before"} ${where(b)}`, holds }];
}

function claimOf([earlier, later]: Claim, steps: readonly Step[]) {
  const last = (text: string) =>
    steps.findLast(({ label, kind }) => `${label} ${kind}` === text);
  // A locked access loads, and its store is visible at once.
  const [a, b] = [earlier, later].map((text) =>
    last(text) ?? last(text.replace(/ (load|issue|commit)$/, " locked")));
  if (!a || !b) {
    return { text: `${earlier} or ${later} is not in the trace`, holds: false };
  }
  const holds = a.time < b.time;
  const at = ({ label, kind, time }: Step) => `${label} ${kind} at ${time}`;
  return { text: `${at(a)} ${holds ? "before" : "NOT before"} ${at(b)}`, holds };
}
