// sb, cache, last: what no crash dump of silicon has: store buffers, line states, labelled steps.
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED,
} from "../../../assembly/trace-kinds.ts";
import { clockOf, l1State, STATES, waitingStores } from "../../core/inspect.ts";
import { translate } from "../../machine/page-walk.ts";
import { InputError } from "../../machine/preset.ts";
import { Names } from "../names.ts";
import { countOf } from "./memory.ts";
import { bareHex, type Session } from "./session.ts";

/** Stores of each CPU that are not visible yet, oldest first. */
export function sb(session: Session): string[] {
  const { view } = session.machine;
  const names = new Names(session.machine);
  const lines: string[] = [];
  for (let cpu = 0; cpu < view.cpus; cpu++) {
    const stores = waitingStores(view, cpu);
    const clock = clockOf(view, cpu);
    lines.push(`CPU ${cpu}: ${stores.length ? `${stores.length} stores wait` : "empty"}`);
    for (const { phys, size, value, issued } of stores) {
      const age = clock - issued;
      lines.push(`  ${names.data(phys)}  ${size} bytes  0x${bareHex(value)}  age ${age}`);
    }
  }
  return lines;
}

/** The state of the address' line in each L1D. Threads of one core share it. */
export function cache(session: Session, text: string): string[] {
  const { guest, machine } = session;
  const { view } = machine;
  const lin = session.address(text);
  const phys = translate(guest.ram, guest.cr3, lin);
  if (phys === undefined) throw new InputError(`${bareHex(lin)}: nothing is mapped there`);
  const cells = Array.from({ length: view.cpus }, (_, cpu) =>
    `cpu${cpu} ${STATES[l1State(view, cpu, phys)]}`);
  return [
    `line ${bareHex(lin & ~63n)} (physical ${(phys & ~63).toString(16)}), in each L1D:`,
    `  ${cells.join("  ")}`,
  ];
}

const WIDTH = 80;
/** A store is issued into the store buffer, and commits: then it is visible. */
export const STEP_KINDS: Record<number, string> = {
  [TRACE_LOAD]: "load", [TRACE_ISSUE]: "issue", [TRACE_COMMIT]: "commit", [TRACE_LOCKED]: "locked",
};

/** The last labelled steps, of all CPUs. */
export function last(session: Session, count?: string): string[] {
  const { view } = session.machine;
  const names = new Names(session.machine);
  const events = view.trace((kind, label) => label !== 0 && kind in STEP_KINDS);
  const shown = events.slice(-countOf(count, 20));
  if (shown.length === 0) return ["no labelled step was executed"];
  const labels = session.labels;
  return shown.map(({ time, cpu, kind, label, phys, value }) => {
    const step = `${(labels.get(label) ?? `#${label}`).padEnd(4)} ${STEP_KINDS[kind].padEnd(6)}`;
    const place = `${names.data(Number(phys))} = 0x${bareHex(value)}`;
    return `${String(time).padStart(10)}  cpu${cpu}  ${step} ${place}`.slice(0, WIDTH);
  });
}
