// A witness as text: a row per step with every store buffer after it, and which loads were done
// while an older store of the same CPU was still in its buffer.
import type { BufferedStore, WitnessStep } from "./program.ts";

/** How the reader calls the things that a witness is about. */
export interface Naming {
  /** The instruction of a thread at this offset. */
  code(thread: number, offset: number): string;
  /** x, t[1], peterson_wants+4. */
  place(address: bigint, size: number): string;
}

/** Larger numbers are addresses and masks more often than counts. */
const DECIMAL_LIMIT = 1n << 32n;

function valueText(value: bigint): string {
  return value < DECIMAL_LIMIT ? `${value}` : `0x${value.toString(16)}`;
}

/** `threads`: how many there are. */
export function witnessRows(
  steps: readonly WitnessStep[], threads: number, naming: Naming,
): string[] {
  const all = witnessCells(steps, threads, naming);
  const widths = all[0].map((_, i) => Math.max(...all.map((row) => row[i].length)));
  return all.map((row) => row.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd());
}

/** The same as a table: heads, then a row per step. */
export function witnessCells(
  steps: readonly WitnessStep[], threads: number, naming: Naming,
): string[][] {
  const rows = steps.map((step, i) => {
    const accesses = step.accesses.map(({ kind, address, size, value, forwarded }) => {
      const verb = kind === "load" ? "reads" : storeVerb(step, address);
      const from = forwarded ? " (forwarded)" : "";
      return `${verb} ${naming.place(address, size)}=${valueText(value)}${from}`;
    });
    const commit = step.kind === "commit";
    const what = commit ? "(oldest store commits)" : naming.code(step.thread, step.offset);
    const buffers = step.buffers.map((buffer) => bufferText(buffer, naming));
    return [`${i + 1}`, `P${step.thread}`, what, accesses.join(", "), ...buffers];
  });
  const buffers = Array.from({ length: threads }, (_, i) => `buffer of P${i}`);
  return [["step", "CPU", "does", "", ...buffers], ...rows];
}

/** What a locked instruction stores is in memory at once. */
function storeVerb(step: WitnessStep, address: bigint): string {
  if (step.kind === "commit") return "memory:";
  const waits = step.buffers[step.thread].some((store) =>
    store.offset === step.offset && store.address === address);
  return waits ? "buffers" : "writes";
}

function bufferText(buffer: readonly BufferedStore[], naming: Naming): string {
  if (buffer.length === 0) return "-";
  const store = ({ address, size, value }: BufferedStore) =>
    `${naming.place(address, size)}=${valueText(value)}`;
  return buffer.map(store).join(" ");
}

/** The first load of each thread that overtook a store; none if sequential consistency does. */
export function overtakings(steps: readonly WitnessStep[], naming: Naming): string[] {
  const reasons = new Map<string, string>();
  for (const step of steps) {
    const overtaken = overtakenStore(step);
    if (!overtaken) continue;
    const own = `P${step.thread}`;
    const place = ({ address, size }: { address: bigint; size: number }) =>
      naming.place(address, size);
    const reason = `${own}'s store to ${place(overtaken.store)} was still in its store buffer ` +
      `when ${own} loaded ${place(overtaken.load)}`;
    if (!reasons.has(own)) reasons.set(own, reason);
  }
  return [...reasons.values()];
}

function overtakenStore(step: WitnessStep) {
  if (step.kind !== "execute") return undefined;
  const load = step.accesses.find(({ kind, forwarded }) => kind === "load" && !forwarded);
  const store = step.buffers[step.thread].find(({ offset }) => offset !== step.offset);
  return load && store ? { load, store } : undefined;
}
