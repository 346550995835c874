// sb, cache, last: what no crash dump of silicon has: store buffers, line states, labelled steps.
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED,
} from "../../../assembly/trace-kinds.ts";
import {
  clockOf, hasPrivateL2, l1iState, l1State, l2State, sharedState, STATES, waitingStores,
} from "../../core/inspect.ts";
import { Names } from "../names.ts";
import { wrap } from "../text.ts";
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

/**
 * The state of the address' line in each cache, and what the directories say of it, which know of a
 * hand-over before it has taken place.
 */
export function cache(session: Session, text: string): string[] {
  const { guest, machine } = session;
  const { view, preset } = machine;
  const lin = session.address(text);
  const phys = guest.physical(lin);
  if (phys === undefined) throw session.unmapped(lin);
  const units = preset.clusters.flatMap(({ units: own }) => own);
  const cells = (stateOf: (cpu: number) => number | undefined) =>
    units.map((unit) => `cpu${unit} ${STATES[stateOf(unit[0]) ?? 0]}`);
  const level = hasPrivateL2(view) ? "L3" : "L2";
  return [
    `line ${bareHex(lin & ~63n)} (physical ${(phys & ~63).toString(16)})`,
    ...row("L1D", cells((cpu) => l1State(view, cpu, phys))),
    ...row("L1I", cells((cpu) => l1iState(view, cpu, phys))),
    ...(hasPrivateL2(view) ? row("L2", cells((cpu) => l2State(view, cpu, phys))) : []),
    ...row(level, preset.clusters.map(({ cpus }, cluster) =>
      `cpu${cpus} ${STATES[sharedState(view, cluster, phys).state]}`)),
    ...preset.clusters.flatMap(({ cpus, units: own }, cluster) => {
      const { state, owner, holders } = sharedState(view, cluster, phys);
      if (!state) return [];
      const name = (unit: number) => `cpu${own[unit]}`;
      const by = owner === undefined ? "nobody owns it" : `${name(owner)} owns it`;
      const held = holders.length ? `held by ${holders.map(name).join(", ")}` : "held by none";
      return wrap(`directory of the ${level} of cpu${cpus}: ${by}, ${held}`).split("\n");
    }),
  ];
}

/** "L1D: cpu0 M  cpu1 I", in lines. */
function row(name: string, cells: readonly string[]): string[] {
  const lines: string[] = [];
  for (const cell of cells) {
    const last = lines.length - 1;
    if (last >= 0 && lines[last].length + 2 + cell.length <= WIDTH) lines[last] += `  ${cell}`;
    else lines.push(`${(last < 0 ? `${name}:` : "").padEnd(6)}${cell}`);
  }
  return lines;
}

const WIDTH = 80;
/** A store is issued into the store buffer, and commits: then it is visible. */
export const STEP_KINDS: Record<number, string> = {
  [TRACE_LOAD]: "load", [TRACE_ISSUE]: "issue", [TRACE_COMMIT]: "commit", [TRACE_LOCKED]: "locked",
};

/** A locked access is recorded with what it found. */
export function valueOf(kind: string, value: bigint): string {
  return `${kind === "locked" ? "was" : "="} 0x${value.toString(16)}`;
}

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
    const place = `${names.data(Number(phys))} ${valueOf(STEP_KINDS[kind], value)}`;
    return `${String(time).padStart(10)}  cpu${cpu}  ${step} ${place}`.slice(0, WIDTH);
  });
}
