// sb, cache: what no crash dump of silicon has: store buffers and line states.
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED,
} from "../../../assembly/trace-kinds.ts";
import {
  clockOf, hasPrivateL2, l1iState, l1State, l2State, sharedState, STATES, waitingLabels,
  waitingStores,
} from "../../core/inspect.ts";
import { hex } from "../../machine/elf.ts";
import { Names, STACK_BYTES } from "../names.ts";
import { COLUMNS_MAX, wrap } from "../text.ts";
import { bareHex, type Session } from "./session.ts";

const SB_TITLE = ["LABEL", "ADDRESS", "SIZE", "VALUE", "AGE", "PLACE"];

/** Stores of each CPU that are not visible yet, oldest first. */
export function sb(session: Session): string[] {
  const { view } = session.machine;
  const names = new Names(session.machine);
  const cpus = Array.from({ length: view.cpus }, (_, cpu) => storesOf(session, names, cpu));
  const widths = SB_TITLE.map((title, column) =>
    Math.max(title.length, ...cpus.flat().map((cells) => cells[column].length)));
  const rowOf = (cells: readonly string[]) => {
    const head = cells.slice(0, -1).map((cell, column) =>
      column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]));
    return folded(`  ${head.join(" ")}  `, cells.at(-1)!);
  };
  return cpus.flatMap((stores, cpu) => {
    const wait = stores.length === 1 ? "1 store waits" : `${stores.length} stores wait`;
    return stores.length === 0 ? [`CPU ${cpu}: empty`]
      : [`CPU ${cpu}: ${wait}`, ...[SB_TITLE, ...stores].flatMap(rowOf)];
  });
}

/** The cells of a row for each store. */
function storesOf(session: Session, names: Names, cpu: number): string[][] {
  const { view } = session.machine;
  const [clock, labels] = [clockOf(view, cpu), waitingLabels(view, cpu)];
  return waitingStores(view, cpu).map(({ phys, size, value, issued }, i) => {
    const lin = names.linear(phys);
    const place = placeName(session, names, phys);
    return [
      labelName(session, labels[i]), lin === undefined ? "-" : bareHex(lin), `${size}`, hex(value),
      `${clock - issued}`, lin !== undefined && place === hex(lin) ? "-" : place,
    ];
  });
}

/** "A3"; "-" without one. */
export function labelName({ labels }: Session, label: number): string {
  return label === 0 ? "-" : labels.get(label) ?? `#${label}`;
}

/** As Names has it, but in a kernel stack with the offset from its lowest address. */
export function placeName({ tasks }: Session, names: Names, phys: number): string {
  const name = names.data(phys);
  const lin = names.linear(phys);
  if (lin === undefined || names.stackAt(lin) !== name) return name;
  const at = tasks.map(({ stack }) => lin - stack)
    .find((offset) => offset >= 0n && offset < BigInt(STACK_BYTES));
  return at === undefined ? name : `${name}+${hex(at)}`;
}

/** `head`, and `text` beside it in as many lines as it needs. */
export function folded(head: string, text: string): string[] {
  return wrap(text, COLUMNS_MAX - head.length).split("\n")
    .map((line, i) => (i ? " ".repeat(head.length) : head) + line);
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
