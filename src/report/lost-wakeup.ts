// Why a wake-up was lost, told from the trace of the last round: which store sat in which store
// buffer from when to when, what was read meanwhile, when the reader's copy of the line was
// invalidated. Nothing is assumed: a step that the trace does not show is reported as missing, and
// the verdict is only given if the times bear it out.
import {
  findLostWakeup, isStoreBuffering, lateStores, type LostWakeup, sawEntry,
} from "../cases/001-story.ts";
import { isStore, LABEL } from "../cases/001-trace.ts";
import type { CaseRun, Failure } from "../cases/case.ts";
import { TRACE_COMMIT, TRACE_ISSUE, TRACE_LOCKED, type TraceEvent } from "../core/trace.ts";
import { COLUMNS, fold, wrap } from "./text.ts";

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(LABEL).map(([name, id]) => [id, name]),
);

const STEPS: Record<string, string> = {
  A1: "stores the event into the ring",
  A2: "stores ring_info.tail",
  A3: "stores ring.tail",
  P: "stores ki_users",
  "1e": "queues itself: wait.task_list.next",
  "1g": "stores the task state",
};

/** The steps in words, for what the trace does not show. */
const STEP_NAMES: Record<Exclude<keyof LostWakeup, "submitter" | "reaper" | "fence">, string> = {
  bRead: "the read at B",
  tailIssue: "the issue of A3",
  tailRequest: "the request for the line of A3",
  copyLost: "the loss of the reaper's copy of that line",
  tailCommit: "the commit of A3",
  queueIssue: "the issue of 1e",
  queueCommit: "the commit of 1e",
  stateIssue: "the store of the state at 1g",
  stateCommit: "the commit of 1g",
  tailRead: "the read at step 2",
};

export function explainLostWakeup(run: CaseRun): string {
  const failure = run.failure!;
  if (failure.account !== undefined) {
    const account = failure.account.split("\n").flatMap((line) => fold(line, COLUMNS));
    return [wrap(`${failure.what}.`), ...account].join("\n");
  }
  const [submitter, reaper] = run.spec.pair;
  const story = findLostWakeup(failure, submitter, reaper);
  const origin = story.tailIssue?.time ?? failure.events[0]?.time ?? 0n;
  const rows = timeline(failure, story, origin);
  const buffer = (cpu: number, look: TraceEvent | undefined, name: string) => {
    const stores = look ? bufferAt(failure.events, cpu, look.time, origin) : [];
    return stores.length ? [`In the store buffer of CPU ${cpu} when ${name} read:`, ...stores] : [];
  };
  return [
    wrap(`${failure.what}.`),
    `The last round in cycles from the issue of A3; cpu${submitter} submits, cpu${reaper} reaps:`,
    ...rows,
    ...buffer(submitter, story.bRead, "B"),
    ...buffer(reaper, story.tailRead, "step 2"),
    ...verdict(story),
  ].join("\n");
}

function timeline(failure: Failure, story: LostWakeup, origin: bigint): string[] {
  const told = new Map<TraceEvent, string>();
  const tell = (event: TraceEvent | undefined, text: string) => event && told.set(event, text);
  for (const event of failure.events) {
    const name = NAMES.get(event.label);
    if (!name || !(name in STEPS) || event !== decisiveStore(failure.events, event)) continue;
    if (event.kind === TRACE_LOCKED) {
      tell(event, `${name.padEnd(3)} ${STEPS[name]}, locked: its store buffer is empty`);
      continue;
    }
    tell(event, `${name.padEnd(3)} ${STEPS[name]}${valueOf(name, event)}: into the store buffer`);
    const commit = failure.events.find(
      (e) => sameStep(e, event) && e.kind === TRACE_COMMIT && e.time >= event.time,
    );
    tell(commit, `${name.padEnd(3)} visible to all`);
  }
  const waiting = sawEntry(story) ? "somebody waits, so it is to be woken"
    : "nobody waits, so nobody is woken";
  tell(story.bRead, `B   reads wait.task_list.next: ${waiting}`);
  tell(story.fence, "1g  xchg of the task state: its store buffer is empty");
  const locked = story.tailRead?.kind === TRACE_LOCKED ? ", locked" : "";
  tell(story.tailRead, `2   reads ring.tail = ${story.tailRead?.value}${locked}: no event`);
  tell(story.tailRequest, "    asks for ownership of the line of ring.tail");
  tell(story.copyLost, "    loses its copy of the line of ring.tail");
  return [...told.keys()]
    .sort((a, b) => Number(a.time - b.time))
    .map((event) => {
      const time = offset(event.time, origin).padStart(7);
      return `${time}  cpu${event.cpu}  ${told.get(event)}`;
    });
}

/**
 * The store of a step that belongs to the story: the completer's first one from the last A1 on (it
 * drops its own reference later, which is P again), the reaper's last one.
 */
function decisiveStore(events: TraceEvent[], step: TraceEvent): TraceEvent | undefined {
  const start = events.findLast((e) => e.kind === TRACE_ISSUE && e.label === LABEL.A1);
  const own = (e: TraceEvent) => sameStep(e, step) && isStore(e, step.label);
  const first = events.find((e) => own(e) && start?.cpu === e.cpu && e.time >= start.time);
  return first ?? events.findLast(own);
}

function sameStep(a: TraceEvent, b: TraceEvent): boolean {
  return a.cpu === b.cpu && a.label === b.label && a.label !== 0;
}

function valueOf(name: string, event: TraceEvent): string {
  return name === "A2" || name === "A3" ? ` = ${event.value}` : "";
}

/** Labelled stores of `cpu` that were issued and not yet visible at `time`. */
function bufferAt(events: TraceEvent[], cpu: number, time: bigint, origin: bigint): string[] {
  const lines: string[] = [];
  for (const issue of events) {
    if (issue.cpu !== cpu || issue.kind !== TRACE_ISSUE || issue.label === 0) continue;
    if (issue.time > time) continue;
    const commit = events.find(
      (e) => sameStep(e, issue) && e.kind === TRACE_COMMIT && e.time >= issue.time,
    );
    if (commit && commit.time <= time) continue;
    const until = commit ? offset(commit.time, origin) : "the end of the trace";
    const name = NAMES.get(issue.label) ?? `label ${issue.label}`;
    lines.push(`    ${name.padEnd(3)} from ${offset(issue.time, origin)} until ${until}`);
  }
  return lines;
}

function verdict(story: LostWakeup): string[] {
  const { bRead, tailCommit, queueCommit, tailRead, copyLost } = story;
  const missing = Object.entries(STEP_NAMES)
    .filter(([step]) => story[step as keyof typeof STEP_NAMES] === undefined)
    .map(([, name]) => name);
  const gaps = missing.length ? [wrap(`Not recorded: ${missing.join(", ")}.`)] : [];
  if (!isStoreBuffering(story)) {
    const steps = [bRead, story.tailIssue, tailCommit, queueCommit, tailRead];
    const why = steps.includes(undefined) ? "steps are missing" : "the order is another one";
    return [`The trace does not show store buffering: ${why}.`, ...gaps];
  }
  const lines = lateness(story);
  if (copyLost) {
    const slack = copyLost.time - tailRead!.time;
    lines.push(`Step 2 was ${slack} cycles ahead of the invalidation of its copy of the line.`);
  }
  return [...lines, ...gaps];
}

/** What the reaper lacks. */
const WAITER_FENCE = (step: string) =>
  `a full fence between ${step} and step 2, as the xchg at 1g is in 2.6.24`;

/** Of a story that is one of store buffering. */
function lateness(story: LostWakeup): string[] {
  const { tail, entry, state } = lateStores(story)!;
  const [bRead, tailRead] = [story.bRead!, story.tailRead!];
  const late = story.tailCommit!.time - tailRead.time;
  const reaper = (step: string) =>
    `${late} cycles before A3 was visible: ${step} was still in the store buffer when the ` +
    `younger load, step 2, was done. With ${WAITER_FENCE(step)}, step 2 would have waited.`;
  if (state) {
    const asleep = story.stateCommit!.time - bRead.time;
    return [wrap(`B found the entry, but 1g was visible ${asleep} cycles after B: a wake-up ` +
      "before that meets a task that runs, and does nothing. Step 2 read ring.tail " +
      reaper("1g"))];
  }
  const early = story.queueCommit!.time - bRead.time;
  const head = `B read the list ${early} cycles before 1e was visible, and step 2 read ring.tail`;
  if (!tail) return [wrap(`${head} ${reaper("1e")}`)];
  if (entry) {
    return [wrap(`${head} ${late} cycles before A3 was visible: A3 and 1e were still in their ` +
      "store buffers when the younger loads, B and step 2, were done. Both sides need a fence: " +
      `smp_mb() between A3 and B, and ${WAITER_FENCE("1e")}.`)];
  }
  return [
    head,
    `${late} cycles before A3 was visible: A3 was still in the store buffer when the`,
    "younger load B was done. With smp_mb() between A3 and B, B would have waited.",
  ];
}

function offset(time: bigint, origin: bigint): string {
  const difference = time - origin;
  return difference >= 0n ? `+${difference}` : `${difference}`;
}
