// The one sentence under a log, and the interleaving of a witness as a table.
import type { Witness } from "../engine/program.ts";
import { type Naming, overtakings, witnessRows } from "../engine/witness.ts";
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
  if (total === 0) return "No run came to its end: nothing was seen.";
  const rate = Math.min(1, RULE_OF_THREE / total).toExponential(1);
  return `${subject} not seen in ${total} runs (95 % bound on its rate: ${rate})${cut}.`;
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2).replace(/^1\.0e\+2$/, "100")} %`;
}

/** Names the loads that overtook a buffered store; SC alone if there is none. */
function because(witness: Witness | undefined, assembled: Assembled): string {
  if (!witness) return "";
  const reasons = overtakings(witness.steps, namingOf(assembled));
  if (reasons.length === 0) return ": an interleaving without any delayed store leads there";
  return `: ${reasons.join(", and ")}`;
}

/** The test's own words for its code and memory. */
export function namingOf({ program }: Assembled): Naming {
  return {
    code(thread, offset) {
      const { texts, offsets } = program.threads[thread];
      return texts[offsets.indexOf(offset)] ?? "";
    },
    place(address, size) {
      for (const variable of program.memory) {
        const offset = address - variable.address;
        if (offset < 0n || offset >= BigInt(variable.initial.length)) continue;
        return offset === 0n ? variable.name : `${variable.name}+${offset}`;
      }
      return `${size} bytes at ${address.toString(16)}`;
    },
  };
}

/** A row per step: who, what, what it read or wrote, and all store buffers after it. */
export function witnessTable(witness: Witness, assembled: Assembled): string[] {
  return witnessRows(witness.steps, assembled.program.threads.length, namingOf(assembled));
}
