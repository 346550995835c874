// The two code paths of case 001 beside each other, from the sources of the guest's kernel; the
// labelled steps say how far their CPU has come at the cycle that is shown.
import body from "../../../workloads/kernel/aio/complete-body.h?raw";
import hooks from "../../../workloads/kernel/aio/complete.h?raw";
import reader from "../../../workloads/kernel/aio/read_events.h?raw";
import sleeper from "../../../workloads/kernel/aio/read_events-body.h?raw";
import { LABEL } from "../../cases/001-trace.ts";
import { TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED } from "../../core/trace.ts";
import type { Look } from "./look.ts";

/** Lines from the one with `from` to the one with `to`, moved to the left. */
function excerpt(text: string, from: string, to: string): string[] {
  const lines = text.split("\n");
  const first = lines.findIndex((line) => line.includes(from));
  const last = lines.findIndex((line, i) => i >= first && line.includes(to));
  if (first < 0 || last < 0) throw new Error(`the kernel's sources have no "${from}" any more`);
  const chosen = lines.slice(first, last + 1).map((line) => line.replace(/\s*\\$/, ""));
  const depth = Math.min(...chosen.filter(Boolean).map((line) => /^\t*/.exec(line)![0].length));
  return chosen.map((line) => line.slice(depth).replaceAll("\t", "    "));
}

const SUBMITTER = [
  ...excerpt(body, "store_labelled(A1", "store_labelled(A1"),
  "…",
  ...excerpt(hooks, "store_labelled(A2", "store_labelled(A3"),
  ...excerpt(body, "last = __aio_put_req", "BETWEEN();"),
  ...excerpt(hooks, "load_labelled(B", "return first;"),
];
const REAPER = [
  ...excerpt(sleeper, "ENLIST(&ctx->wait", "ENLIST(&ctx->wait"),
  ...excerpt(reader, "xchg_labelled(1g", "xchg_labelled(1g"),
  ...excerpt(reader, "READ_TAIL(ctx, ring) load_labelled", "READ_TAIL(ctx, ring) load_labelled"),
  ...excerpt(reader, "if (head == READ_TAIL", "return false;"),
  "…",
  ...excerpt(sleeper, "MARK_POINT(SLEEP)", "schedule();"),
];
/** ENLIST stands for add_wait_queue_exclusive(), whose store of the entry is 1e. */
const STEPS: [RegExp, keyof typeof LABEL][] = [
  [/labelled\(A1/, "A1"], [/labelled\(A2/, "A2"], [/labelled\(A3/, "A3"], [/put_req/, "P"],
  [/labelled\(B/, "B"], [/ENLIST/, "1e"], [/labelled\(1g/, "1g"], [/load_labelled\(2/, "2"],
];

/** What a variant of the kernel puts between A3 and B; the tour's has nothing. */
const GAP = "BETWEEN()";
const GAP_TOLD = "empty in Linux 2.6.24; the repair is smp_mb() here";

interface Done {
  /** When it was executed. */
  at: number;
  told: string;
}

/** How far the last execution of a step, not before cycle `from`, has come. */
function progressOf(look: Look, cpu: number, label: number, from: number): Done | undefined {
  const { records } = look.travel;
  for (let i = records.from(look.cycle) - 1; i >= 0 && records.time[i] >= from; i--) {
    if (records.cpu[i] !== cpu || records.label[i] !== label) continue;
    const at = records.time[i];
    const issued = at - records.extra[i];
    switch (records.kind[i]) {
      case TRACE_COMMIT:
        return issued < from ? undefined : { at: issued, told: `visible since ${look.cycle - at}` };
      case TRACE_ISSUE: return { at, told: `in the store buffer for ${look.cycle - at}` };
      case TRACE_LOAD: return { at, told: `done, read ${shortOf(records.value[i])}` };
      case TRACE_LOCKED: return { at, told: "done" };
      default:
    }
  }
  return undefined;
}

/**
 * Of the steps in `lines`, as far as this call has come: one behind a step that is still to come is
 * of an earlier call (the reaper looks at the tail before it queues itself, too).
 */
function stepsOf(look: Look, cpu: number, lines: readonly string[]): (Step | undefined)[] {
  let from: number | undefined = look.cycle - ROUND_CYCLES;
  return lines.map((line) => {
    if (line.includes(GAP)) return { told: GAP_TOLD };
    const name = STEPS.find(([pattern]) => pattern.test(line))?.[1];
    if (!name) return undefined;
    const done: Done | undefined =
      from === undefined ? undefined : progressOf(look, cpu, LABEL[name], from);
    from = done?.at;
    return { name, told: done?.told ?? "" };
  });
}

interface Step {
  name?: string;
  told: string;
}

const shortOf = (value: bigint) =>
  (value < 65536n ? `${value}` : `…${value.toString(16).slice(-5)}`);

/** A round takes longer. */
const ROUND_CYCLES = 1500;

function Code({ look, cpu, lines, title }: {
  look: Look; cpu: number; lines: string[]; title: string;
}) {
  const steps = stepsOf(look, cpu, lines);
  return (
    <figure>
      <figcaption>{title}, cpu {cpu}</figcaption>
      <div class="code" tabIndex={0}>
        {lines.map((line, i) => {
          const { name, told = "" } = steps[i] ?? {};
          return (
            <div key={i} class={told.startsWith("in the") ? "waits" : told ? "done" : ""}>
              <b>{name ?? ""}</b><code>{line || " "}</code>
              <span class="soft" data-step={name}>{told}</span>
            </div>
          );
        })}
      </div>
    </figure>
  );
}

export function SourceView({ look }: { look: Look }) {
  const [submitter, reaper] = look.spec.pair;
  return (
    <div class="machines">
      <Code look={look} cpu={submitter} lines={SUBMITTER} title="aio_complete()" />
      <Code look={look} cpu={reaper} lines={REAPER} title="read_events()" />
    </div>
  );
}
