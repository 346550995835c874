// What is known of why a run failed, in words: what was tested, and what that does not prove. The
// load that decided gets another value with immediate drains: so it was the store buffer, in this
// run. Whether fences would repair the code is another question. They can bring back sequential
// consistency and no more, so the answer is what the code does in order (Case.inOrder).
import type { Case, CaseSpec, Failure } from "../cases/case.ts";

type Code = Pick<Case, "inOrder">;

/** One line, not broken. */
export function causeText(
  code: Code, spec: Pick<CaseSpec, "variant" | "workload" | "memory">, failure: Failure,
): string {
  const known = code.inOrder?.(spec);
  switch (failure.cause) {
    case "store buffer": return `Store buffer: ${bufferText(known)}`;
    case "interleaving": return `Interleaving: ${orderText(spec, failure, known)}`;
    case "no race":
      return "No race: the step that failed came when the other side was through with the " +
        "request, or has no other side; nothing had to meet by chance.";
    default: return "Store buffer or interleaving: the trace does not hold what would tell.";
  }
}

type Known = ReturnType<NonNullable<Case["inOrder"]>>;

function bufferText(known: Known): string {
  const tested = "in the order of instructions of this run, with immediate drains, the load that " +
    "decided reads another value.";
  if (!known) {
    return `${tested} That says nothing of other runs, nor that a fence would help: with ` +
      "--memory sc there is no store buffer.";
  }
  return known.fails
    ? `${tested} But this is only how it came about here: without store buffers the code fails, ` +
      `too (${known.from}), so no fence repairs it.`
    : `${tested} Without store buffers the code never fails so (${known.from}): fences repair it.`;
}

function orderText({ memory }: Pick<CaseSpec, "memory">, { causeFrom }: Failure, known: Known) {
  if (memory === "sc") return "with --memory sc there is no store buffer.";
  const tested = causeFrom === undefined
    ? "in the order of instructions of this run, with immediate drains, the load that decided " +
      "reads the same."
    : "the steps came in an order that is wrong by itself; nothing was executed again.";
  return known?.fails
    ? `${tested} Without store buffers the code fails, too (${known.from}), so no fence repairs it.`
    : tested;
}
