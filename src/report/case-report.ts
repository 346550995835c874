// The report on a failed run: a case's plan (cases/report-plan.ts) carried out on the stopped
// machine. Nothing in here knows a case; what a plan names and the machine has not is said.
import type { Failure } from "../cases/case.ts";
import type { Finder, Part, ReportPlan } from "../cases/report-plan.ts";
import type { TraceEvent } from "../core/trace.ts";
import { bare } from "../machine/dwarf/types.ts";
import type { Place } from "../machine/guest.ts";
import { InputError } from "../machine/preset.ts";
import { fieldOf, frameOf, type ShownField } from "./case-report-fields.ts";
import { loadsOf } from "./case-report-loads.ts";
import { holds, inSlab, tableOf, talliesOf } from "./case-report-objects.ts";
import { otherField, othersOf, type OthersPart, restOf } from "./case-report-others.ts";
import { type Source, stepsOf, type Steps } from "./case-report-steps.ts";
import { treeOf } from "./case-report-tree.ts";
import { entryOf } from "./crash/backtrace.ts";
import { execute } from "./crash/commands.ts";
import { STEP_KINDS } from "./crash/machine.ts";
import type { Session, Subject } from "./crash/session.ts";
import { stateOf } from "./crash/tasks.ts";
import { Past } from "./past.ts";

export interface Section extends Partial<Steps> {
  title: string;
  lines?: string[];
  fields?: ShownField[];
}

export interface Report {
  id: string;
  title: string;
  what: string;
  sections: Section[];
}

/** Of a run that failed: `sys` of crash says what is wrong, where no kernel has panicked. */
export function failedSubject(subject: Subject, { invariant }: Failure): Subject {
  const { result } = subject;
  if (!result) return subject;
  const end = result.reason ?? `no panic: the program ended with exit code ${result.exit}`;
  return { ...subject, result: { ...result, reason: `${end}; failure: ${invariant}` } };
}

/** `session` is that of the machine at its end. */
export async function reportOf(
  plan: ReportPlan, session: Session, failure: Failure, events: readonly TraceEvent[],
  signal?: AbortSignal,
): Promise<Report> {
  const source: Source = { failure, events };
  const missing = new Set<string>();
  const sections = new Map<Part, Section>();
  const { named } = session;
  const look = (finder: Finder, here: Session) => {
    const name = `$${finder.as}`;
    // Of several ways to find one thing the first that does counts.
    const place = named.get(name) ?? found(finder, here, source);
    if (place) {
      named.set(name, place);
      here.named.set(name, place);
      missing.delete(name);
    } else missing.add(name);
  };
  /** What is looked for and told of the machine as it stands in one session. */
  const carryOut = async (here: Session, when?: string) => {
    named.forEach((place, name) => here.named.set(name, place));
    const mine = plan.find.filter((finder) => momentOf(finder) === when);
    for (const finder of mine.filter((one) => !("failed" in one))) look(finder, here);
    for (const part of plan.parts.filter((one) => one.when === when)) {
      sections.set(part, await sectionOf(part, here, source));
    }
  };
  const listed = plan.parts.filter((part): part is OthersPart => "others" in part);
  const rows = new Map(listed.map((part) => [part, [] as ShownField[]]));
  const stops = [
    ...momentsOf(plan, failure).map(([name, time]) =>
      ({ time, act: (here: Session) => carryOut(here, name) })),
    ...listed.flatMap((part) => othersOf(failure).map((other) => ({
      time: other.event.time, act: async (here: Session) => {
        rows.get(part)!.push(otherField(part, other, here, (one) => found(one, here, source)));
      },
    }))),
  ].sort((a, b) => Number(a.time - b.time));
  named.clear();
  for (const finder of plan.find.filter((one) => "failed" in one)) look(finder, session);
  const past = new Past(session, asksForLocks(plan), signal);
  try {
    for (const { time, act } of stops) {
      // A machine that was stopped on the way cannot go on; nobody waits for the report any more.
      if (signal?.aborted) break;
      await act(await past.before(time));
    }
  } finally {
    past.close();
  }
  await carryOut(session);
  for (const [part, fields] of rows) {
    const inUse = inSlab(session, { slab: part.others.type, where: [] });
    const rest = restOf(part, session, failure, inUse);
    sections.set(part, { title: part.title, fields: [...fields, ...rest] });
  }
  const told = plan.parts.flatMap((part) => sections.get(part) ?? []);
  const lines = [...missing].filter((name) => !isCommanded(name, plan));
  if (lines.length) told.push({ title: "not found in the machine", lines });
  return { id: plan.id, title: failure.title ?? plan.title, what: failure.what, sections: told };
}

const asksForLocks = ({ parts }: ReportPlan) =>
  parts.some((part) => "fields" in part && part.fields.some(({ lock }) => lock));

/** Where it is missing there it is said. */
const isCommanded = (name: string, { parts }: ReportPlan) =>
  parts.some((part) => "commands" in part && part.commands.join(" ").includes(name));

/** Those that the plan asks for and the failure has. */
function momentsOf({ find, parts }: ReportPlan, { moments = {} }: Failure): [string, bigint][] {
  const asked = new Set([...find.map(momentOf), ...parts.map(({ when }) => when)]);
  return Object.entries(moments)
    .flatMap(([name, event]): [string, bigint][] =>
      event && asked.has(name) ? [[name, event.time]] : []);
}

const momentOf = (finder: Finder) => "runs" in finder ? finder.runs : finder.when;

function found(
  finder: Finder, session: Session, { failure, events }: Source,
): Place | undefined {
  if ("runs" in finder) {
    const cpu = failure.moments?.[finder.runs]?.cpu;
    return session.tasks.find(({ runs }) => runs !== undefined && runs === cpu)?.place;
  }
  if ("task" in finder) {
    const { state, comm, frame } = finder.task;
    return session.tasks.find((task) => !task.idle &&
      (state === undefined || stateOf(task) === state) &&
      (comm === undefined || task.comm === comm) &&
      (frame === undefined || frameOf(session, task, frame) !== undefined))?.place;
  }
  try {
    if ("failed" in finder) {
      const base = session.machine.debugBlock()?.base;
      if (failure.object === undefined || base === undefined) return undefined;
      const type = session.type(finder.failed);
      const at = finder.member ? session.member({ lin: 0n, type }, finder.member).lin : 0n;
      return { lin: failure.object + base - at, type };
    }
    if ("at" in finder) return leadsTo(session, finder.at, finder.type);
    if ("entryOf" in finder) return entryOf(session, session.task(finder.entryOf));
    if ("slab" in finder) {
      const [first, ...more] = inSlab(session, finder);
      return finder.only && more.length ? undefined : first;
    }
    const type = session.type(finder.type);
    if ("stackOf" in finder) {
      const task = session.task(finder.stackOf);
      const frame = frameOf(session, task, finder.frame);
      if (!frame) return undefined;
      for (let lin = frame.sp; lin + BigInt(type.bytes) <= frame.end; lin += 8n) {
        if (holds(session, { lin, type }, finder.where)) return { lin, type };
      }
      return undefined;
    }
    const own = events.filter(({ label, kind }) =>
      session.labels.get(label) === finder.step && kind in STEP_KINDS);
    const last = own.at(-1);
    const base = session.machine.debugBlock()?.base;
    if (!last || base === undefined) return undefined;
    const offset = session.member({ lin: 0n, type }, finder.member).lin;
    return { lin: last.phys + base - offset, type };
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

function leadsTo(session: Session, text: string, type?: string): Place | undefined {
  if (type !== undefined) {
    const lin = session.evaluate(text);
    return lin === 0n ? undefined : { lin, type: session.type(type) };
  }
  const place = session.placeOf(text);
  return place && bare(place.type).kind === "pointer" ? session.guest.target(place) : place;
}

async function sectionOf(part: Part, session: Session, source: Source): Promise<Section> {
  const { title } = part;
  if ("facts" in part) {
    const facts = Object.entries(source.failure.facts ?? {});
    return { title, fields: facts.map(([name, text]) => ({ name, text })) };
  }
  // Made when the machine has been everywhere.
  if ("others" in part) return { title };
  if ("loads" in part) return { title, fields: await loadsOf(part, session, source) };
  if ("tally" in part) return { title, fields: talliesOf(session, part) };
  if ("each" in part) return { title, lines: tableOf(session, part) };
  if ("tree" in part) return { title, lines: treeOf(session, part.tree) };
  if ("fields" in part) {
    return { title, fields: part.fields.map((field) => fieldOf(session, field)) };
  }
  if ("steps" in part) {
    const told = stepsOf(part.steps, session, source);
    return { title, ...told, ...(told.steps.length ? {} : { lines: ["(not recorded)"] }) };
  }
  const lines: string[] = [];
  for (const command of part.commands) {
    lines.push(`crash> ${command}`);
    const unknown = [...command.matchAll(/\$\w+/g)].some(([name]) => !session.named.has(name));
    if (unknown) {
      lines.push("(there is none)");
      continue;
    }
    try {
      lines.push(...await execute(session, command));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      lines.push(`(${error.message})`);
    }
  }
  return { title, lines };
}
