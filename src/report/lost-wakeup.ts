// Why a wake-up was lost, told from the trace of the last round: which store sat in which store
// buffer from when to when, what was read meanwhile, when the reader's copy of the line was
// invalidated. Nothing is assumed: a step that the trace does not show is reported as missing, and
// the verdict is only given if the times bear it out.
import { findLostWakeup, isStoreBuffering, type LostWakeup } from "../cases/001-story.ts";
import { LABEL } from "../cases/001-trace.ts";
import type { CaseRun, Failure } from "../cases/case.ts";
import {
  TRACE_COMMIT, TRACE_ISSUE, type TraceEvent,
} from "../core/trace.ts";
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
};

/** The steps in words, for what the trace does not show. */
const STEP_NAMES: Record<Exclude<keyof LostWakeup, "submitter" | "reaper">, string> = {
  bRead: "the read at B",
  tailIssue: "the issue of A3",
  tailRequest: "the request for the line of A3",
  copyLost: "the loss of the reaper's copy of that line",
  tailCommit: "the commit of A3",
  queueIssue: "the issue of 1e",
  queueCommit: "the commit of 1e",
  fence: "the exchange at 1g",
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
  const buffer = story.bRead ? bufferAt(failure.events, submitter, story.bRead.time, origin) : [];
  return [
    wrap(`${failure.what}.`),
    `The last round in cycles from the issue of A3; cpu${submitter} submits, cpu${reaper} reaps:`,
    ...rows,
    ...(buffer.length ? [`In the store buffer of CPU ${submitter} when B read:`, ...buffer] : []),
    ...verdict(story),
  ].join("\n");
}

function timeline(failure: Failure, story: LostWakeup, origin: bigint): string[] {
  const told = new Map<TraceEvent, string>();
  const tell = (event: TraceEvent | undefined, text: string) => event && told.set(event, text);
  for (const event of failure.events) {
    const name = NAMES.get(event.label);
    if (!name) continue;
    if (event.kind === TRACE_ISSUE && event === decisiveIssue(failure.events, event)) {
      const step = `${STEPS[name] ?? ""}${valueOf(name, event)}`;
      tell(event, `${name.padEnd(3)} ${step}: into the store buffer`);
      const commit = failure.events.find(
        (e) => sameStep(e, event, TRACE_COMMIT) && e.time >= event.time,
      );
      tell(commit, `${name.padEnd(3)} visible to all`);
    }
  }
  tell(story.bRead, "B   reads wait.task_list.next: nobody waits, so nobody is woken");
  tell(story.fence, "1g  xchg of the task state: its store buffer is empty");
  tell(story.tailRead, `2   reads ring.tail = ${story.tailRead?.value}: no event`);
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
 * The issue of a step that belongs to the story: the completer's first one from the last A1 on (it
 * drops its own reference later, which is P again), the reaper's last one.
 */
function decisiveIssue(events: TraceEvent[], step: TraceEvent): TraceEvent | undefined {
  const start = events.findLast((e) => e.kind === TRACE_ISSUE && e.label === LABEL.A1);
  const first = events.find(
    (e) => sameStep(e, step, TRACE_ISSUE) && start?.cpu === e.cpu && e.time >= start.time,
  );
  return first ?? events.findLast((e) => sameStep(e, step, TRACE_ISSUE));
}

function sameStep(a: TraceEvent, b: TraceEvent, kind: number): boolean {
  return a.kind === kind && a.cpu === b.cpu && a.label === b.label && a.label !== 0;
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
    const commit = events.find((e) => sameStep(e, issue, TRACE_COMMIT) && e.time >= issue.time);
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
  const early = queueCommit!.time - bRead!.time;
  const late = tailCommit!.time - tailRead!.time;
  const lines = [
    `B read the list ${early} cycles before 1e was visible, and step 2 read ring.tail`,
    `${late} cycles before A3 was visible: A3 was still in the store buffer when the`,
    "younger load B was done. With smp_mb() between A3 and B, B would have waited.",
  ];
  if (copyLost) {
    const slack = copyLost.time - tailRead!.time;
    lines.push(`Step 2 was ${slack} cycles ahead of the invalidation of its copy of the line.`);
  }
  return [...lines, ...gaps];
}

function offset(time: bigint, origin: bigint): string {
  const difference = time - origin;
  return difference >= 0n ? `+${difference}` : `${difference}`;
}
