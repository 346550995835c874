// The one sentence under a log, and the interleaving of a witness as a table.
import type { BufferedStore, Witness, WitnessStep } from "../engine/program.ts";
import type { Assembled } from "./assemble.ts";
import type { Result, Verdict } from "./print.ts";

/** What the outcome means, in words. */
export function explain({ engine, outcome, assembled }: Result, verdict: Verdict): string {
  const { quantifier } = assembled.test.condition;
  const { positive, negative } = verdict;
  const total = positive + negative;
  if (engine !== "explore") return runSentence(verdict, quantifier === "forall", outcome.bound);
  const states = `${total} final state${total === 1 ? "" : "s"}`;
  if (total === 0) return "No execution ends: there is no final state to judge.";
  const reason = because(outcome.witness, assembled);
  if (quantifier === "forall") {
    if (negative > 0) return `Not always: it fails in ${negative} of ${states}${reason}.`;
    if (outcome.bound) return `It holds in the ${states} found; the search was not complete.`;
    return `Always: it holds in all ${states} that x86-TSO allows.`;
  }
  if (positive > 0) return `Reachable${reason || `: in ${positive} of ${states}`}.`;
  if (outcome.bound) return `Not among the ${states} found; the search was not complete.`;
  return `Not reachable: in none of the ${states} that x86-TSO allows.`;
}

/** Upper 95 % bound of a rate after that many runs without a hit: the rule of three. */
const RULE_OF_THREE = 3;

function runSentence({ positive, negative }: Verdict, forall: boolean, bound?: string): string {
  const total = positive + negative;
  const hits = forall ? negative : positive;
  const subject = forall ? "A state that breaks the condition was" : "It was";
  const cut = bound ? "; not all runs were made" : "";
  if (hits > 0) {
    return `${subject} seen in ${hits} of ${total} runs (${percent(hits / total)})${cut}.`;
  }
  const rate = Math.min(1, RULE_OF_THREE / Math.max(total, 1)).toExponential(1);
  return `${subject} not seen in ${total} runs (95 % bound on its rate: ${rate})${cut}.`;
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2).replace(/^1\.0e\+2$/, "100")} %`;
}

/** Names the loads that overtook a buffered store; SC alone if there is none. */
function because(witness: Witness | undefined, assembled: Assembled): string {
  if (!witness) return "";
  const reasons = new Map<string, string>();
  for (const step of witness.steps) {
    const overtaken = overtakenStore(step);
    if (!overtaken) continue;
    const { store, load } = overtaken;
    const own = `P${step.thread}`;
    const reason = `${own}'s store to ${nameOf(assembled, store)} was still in its store buffer ` +
      `when ${own} loaded ${nameOf(assembled, load)}`;
    if (!reasons.has(own)) reasons.set(own, reason);
  }
  if (reasons.size === 0) return ": an interleaving without any delayed store leads there";
  return `: ${[...reasons.values()].join(", and ")}`;
}

function overtakenStore(step: WitnessStep) {
  if (step.kind !== "execute") return undefined;
  const load = step.accesses.find(({ kind, forwarded }) => kind === "load" && !forwarded);
  const store = step.buffers[step.thread].find(({ offset }) => offset !== step.offset);
  return load && store ? { load, store } : undefined;
}

/** x, t[1], or a hexadecimal address. */
function nameOf(assembled: Assembled, place: { address: bigint; size: number }): string {
  const { address, size } = place;
  for (const variable of assembled.program.memory) {
    const offset = address - variable.address;
    if (offset < 0n || offset >= BigInt(variable.initial.length)) continue;
    return offset === 0n ? variable.name : `${variable.name}+${offset}`;
  }
  return `${size} bytes at ${address.toString(16)}`;
}

/** A row per step: who, what, what it read or wrote, and all store buffers after it. */
export function witnessTable(witness: Witness, assembled: Assembled): string[] {
  const { threads } = assembled.program;
  const rows = witness.steps.map((step, i) => {
    const code = threads[step.thread];
    const text = code.texts[code.offsets.indexOf(step.offset)] ?? "";
    const accesses = step.accesses.map(({ kind, value, forwarded, ...place }) => {
      const verb = kind === "load" ? "reads" : step.kind === "commit" ? "memory:" : "buffers";
      const from = forwarded ? " (forwarded)" : "";
      return `${verb} ${nameOf(assembled, place)}=${value}${from}`;
    });
    const what = step.kind === "commit" ? "(oldest store commits)" : text;
    const buffers = step.buffers.map((buffer) => bufferText(assembled, buffer));
    return [`${i + 1}`, `P${step.thread}`, what, accesses.join(", "), ...buffers];
  });
  const head = ["step", "CPU", "does", "", ...threads.map((_, i) => `buffer of P${i}`)];
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i].length)));
  return all.map((row) => row.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd());
}

function bufferText(assembled: Assembled, buffer: BufferedStore[]): string {
  if (buffer.length === 0) return "-";
  return buffer.map((store) => `${nameOf(assembled, store)}=${store.value}`).join(" ");
}
