// The report on a failed run: a case's plan (cases/report-plan.ts) carried out on the stopped
// machine. Nothing in here knows a case; what a plan names and the machine has not is said.
import type { Claim, Field, Finder, Part, ReportPlan } from "../cases/report-plan.ts";
import { TRACE_ISSUE, type TraceEvent } from "../core/trace.ts";
import { bare } from "../machine/dwarf/types.ts";
import type { Place } from "../machine/guest.ts";
import { translate } from "../machine/page-walk.ts";
import { InputError } from "../machine/preset.ts";
import type { KernelTask } from "../machine/tasks.ts";
import { framesOf, registersOf } from "./crash/backtrace.ts";
import { execute } from "./crash/commands.ts";
import { STEP_KINDS } from "./crash/machine.ts";
import { bareHex, type Session } from "./crash/session.ts";
import { stateOf } from "./crash/tasks.ts";
import { Names } from "./names.ts";

export interface Step {
  time: bigint;
  cpu: number;
  label: string;
  kind: string;
  place: string;
  value: bigint;
  words: string;
}

export interface Section {
  title: string;
  lines?: string[];
  /** In hexadecimal or decimal, or a name; "-": this kernel has nothing like it. */
  fields?: { name: string; text: string; value?: bigint }[];
  steps?: Step[];
  /** Cycles from the last step to the end. */
  after?: bigint;
  claims?: { text: string; holds: boolean }[];
}

export interface Report {
  id: string;
  title: string;
  what: string;
  sections: Section[];
}

export async function reportOf(
  plan: ReportPlan, session: Session, what: string, events: readonly TraceEvent[],
): Promise<Report> {
  /** Times of the accesses by which something was found. */
  const moments = new Map<string, bigint>();
  const missing = plan.find.filter((finder) => {
    const place = found(finder, session, events, moments);
    if (place) session.named.set(`$${finder.as}`, place);
    return place === undefined;
  });
  const sections: Section[] = [];
  for (const part of plan.parts) {
    sections.push(await sectionOf(part, session, events, moments));
  }
  if (missing.length) {
    const lines = missing.map(({ as }) => `$${as}`);
    sections.push({ title: "not found in the stopped machine", lines });
  }
  return { id: plan.id, title: plan.title, what, sections };
}

function found(
  finder: Finder, session: Session, events: readonly TraceEvent[], moments: Map<string, bigint>,
): Place | undefined {
  const { guest } = session;
  if ("task" in finder) {
    const { state, comm, frame } = finder.task;
    return session.tasks.find((task) => !task.idle &&
      (state === undefined || stateOf(task) === state) &&
      (comm === undefined || task.comm === comm) &&
      (frame === undefined || frameOf(session, task, frame) !== undefined))?.place;
  }
  try {
    if ("at" in finder) return leadsTo(session, finder.at, finder.type);
    const type = session.type("slab" in finder ? finder.slab : finder.type);
    const holds = (lin: bigint, where: readonly [string, string][]) =>
      where.every(([field, wanted]) =>
        guest.value({ lin, type }, field) === session.evaluate(wanted));
    if ("slab" in finder) {
      const slabs = new Names(session.machine).slabs;
      const cache = slabs.caches.find(({ name }) => name === finder.slab);
      const object = cache && slabs.objects(cache).find(({ lin, freeOn }) =>
        freeOn === undefined && holds(lin, finder.where));
      return object && { lin: object.lin, type };
    }
    if ("stackOf" in finder) {
      const task = session.task(finder.stackOf);
      const frame = frameOf(session, task, finder.frame);
      if (!frame) return undefined;
      for (let lin = frame.sp; lin + BigInt(type.bytes) <= frame.end; lin += 8n) {
        if (holds(lin, finder.where)) return { lin, type };
      }
      return undefined;
    }
    const own = events.filter(({ label, kind }) =>
      session.labels.get(label) === finder.step && kind in STEP_KINDS);
    const last = own.findLast(({ value }) => value === finder.value) ?? own.at(-1);
    const base = session.machine.debugBlock()?.base;
    if (!last || base === undefined) return undefined;
    moments.set(finder.as, last.time);
    const offset = session.member({ lin: 0n, type }, finder.member).lin;
    return { lin: last.phys + base - offset, type };
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

/** The frame of a function, of a compiled copy of it, or of one that gcc has made. */
function frameOf(session: Session, task: KernelTask, name: string) {
  const registers = registersOf(session, task);
  const frames = registers ? framesOf(session, registers) : [];
  return frames.find((frame) => frame.name === name ||
    frame.name.startsWith(`${name}__`) || frame.name.startsWith(`${name}.`));
}

function leadsTo(session: Session, text: string, type?: string): Place | undefined {
  if (type !== undefined) {
    const lin = session.evaluate(text);
    return lin === 0n ? undefined : { lin, type: session.type(type) };
  }
  const place = session.placeOf(text);
  return place && bare(place.type).kind === "pointer" ? session.guest.target(place) : place;
}

type StepPlan = Extract<Part, { steps: unknown }>["steps"];

async function sectionOf(
  part: Part, session: Session, events: readonly TraceEvent[],
  moments: ReadonlyMap<string, bigint>,
): Promise<Section> {
  const { title } = part;
  if ("fields" in part) {
    return { title, fields: part.fields.map((field) => fieldOf(session, field)) };
  }
  if ("steps" in part) return { title, ...stepsOf(part.steps, session, events, moments) };
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

function fieldOf(session: Session, { name, value: text, radix, names }: Field) {
  if (text === undefined) return { name, text: "-" };
  try {
    const value = session.evaluate(text);
    const symbol = value > 0xffffn ? session.machine.symbolAt(value) : undefined;
    const number = radix === 16 ? `0x${bareHex(value)}` : `${value}`;
    const known = names?.[Number(value)] ??
      (symbol?.lin === value ? `${number} <${symbol.name}>` : number);
    return { name, text: known, value };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { name, text: "(not found)" };
  }
}

function stepsOf(
  plan: StepPlan, session: Session, events: readonly TraceEvent[],
  moments: ReadonlyMap<string, bigint>,
): Pick<Section, "steps" | "claims" | "after"> {
  const names = new Names(session.machine);
  const ranges = plan.about.flatMap((text) => {
    const place = session.placeOf(text);
    const phys = place && translate(session.guest.ram, session.guest.cr3, place.lin);
    return phys === undefined ? [] : [{ from: phys, to: phys + Math.max(1, place!.type.bytes) }];
  });
  const own = events.filter(({ label, kind, phys }) => label !== 0 && kind in STEP_KINDS &&
    ranges.some(({ from, to }) => Number(phys) >= from && Number(phys) < to));
  const named = (event: TraceEvent) => session.labels.get(event.label) ?? `#${event.label}`;
  const [first, end] = windowOf(plan, own, named, moments);
  const steps = own.filter(({ time }) => time >= first && time <= end).map((event): Step => ({
    time: event.time, cpu: event.cpu, label: named(event), kind: STEP_KINDS[event.kind],
    place: names.data(Number(event.phys)), value: event.value,
    words: plan.words[named(event)] ?? "",
  }));
  const last = steps.at(-1);
  return {
    steps, after: last && session.machine.view.now - last.time,
    claims: plan.claims?.map((claim) => claimOf(claim, steps)),
  };
}

function windowOf(
  plan: StepPlan, own: readonly TraceEvent[], named: (event: TraceEvent) => string,
  moments: ReadonlyMap<string, bigint>,
): [bigint, bigint] {
  const moment = plan.around && moments.get(plan.around.as);
  if (moment !== undefined) {
    const cycles = BigInt(plan.around!.cycles);
    return [moment - cycles, moment + cycles];
  }
  const begin = own.findLast((event) => named(event) === plan.from && event.kind === TRACE_ISSUE);
  return [begin ? begin.time - BigInt(plan.cyclesBefore ?? 0) : 0n, own.at(-1)?.time ?? 0n];
}

function claimOf([earlier, later]: Claim, steps: readonly Step[]) {
  const [a, b] = [earlier, later].map((text) =>
    steps.findLast(({ label, kind }) => `${label} ${kind}` === text));
  if (!a || !b) {
    return { text: `${earlier} or ${later} is not in the trace`, holds: false };
  }
  const holds = a.time < b.time;
  return {
    text: `${earlier} at ${a.time} ${holds ? "before" : "NOT before"} ${later} at ${b.time}`, holds,
  };
}
