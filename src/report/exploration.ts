// What an exploration of an image's functions found, as text: the final states, the verdict, and
// the shortest run to the first wrong one, step by step, with the store buffers.
import {
  PENDING_BLOCKED, PENDING_ENDLESS, PENDING_FAULT, PENDING_LOCK, PENDING_SLEEP,
} from "../../assembly/abi.ts";
import type { Answer, Judged, Question } from "../engine/explore-image.ts";
import type { StuckThread } from "../engine/exploration.ts";
import type { WitnessStep } from "../engine/program.ts";
import { type Naming, overtakings, witnessRows } from "../engine/witness.ts";
import { disassembleOne } from "../machine/disassemble.ts";
import { type Elf, hex, symbolIn } from "../machine/elf.ts";
import { stopText } from "../machine/exceptions.ts";

const MODELS = { tso: "x86-TSO", sc: "sequential consistency", stall: "x86-TSO, loads stall" };
const INSTRUCTION_BYTES = 15;
const FENCE = /: [lms]fence$/;

/** `peterson+0x1c`, `peterson_wants[1]` for data of this size, or the number. */
function placeIn(elf: Elf, lin: bigint, size = 0): string {
  const symbol = symbolIn(elf, lin);
  if (!symbol) return hex(lin);
  const offset = lin - symbol.lin;
  if (size && size < symbol.bytes && offset % BigInt(size) === 0n) {
    return `${symbol.name}[${offset / BigInt(size)}]`;
  }
  return offset === 0n ? symbol.name : `${symbol.name}+${hex(offset)}`;
}

function bytesAt(elf: Elf, lin: bigint): Uint8Array {
  for (const segment of elf.segments) {
    const offset = Number(lin - segment.lin);
    if (offset < 0 || offset >= segment.data.length) continue;
    return segment.data.subarray(offset, offset + INSTRUCTION_BYTES);
  }
  return new Uint8Array(0);
}

/** Instructions of the failing run are disassembled once, here. */
export async function namingOf({ elf, calls, failure }: Answer): Promise<Naming> {
  const texts = new Map<bigint, string>();
  const linOf = (thread: number, offset: number) =>
    elf.symbols.get(calls[thread].function)!.lin + BigInt(offset);
  for (const { thread, offset } of failure?.run?.steps ?? []) {
    const lin = linOf(thread, offset);
    if (texts.has(lin)) continue;
    const { text } = await disassembleOne(bytesAt(elf, lin), lin);
    texts.set(lin, `${placeIn(elf, lin)}: ${text}`);
  }
  return {
    code: (thread, offset) => texts.get(linOf(thread, offset)) ?? "",
    place: (address, size) => placeIn(elf, address, size),
  };
}

/** What others could see of the failing run: accesses, drains, fences. */
export function shownSteps({ failure }: Answer, naming: Naming): WitnessStep[] {
  return (failure?.run?.steps ?? []).filter(({ thread, offset, accesses }) =>
    accesses.length || FENCE.test(naming.code(thread, offset)));
}

/** `peterson_count=2;` and who waits. */
export function stateLine(answer: Answer, { values, stuck }: Judged): string {
  const { calls, elf, labels } = answer;
  const shown = labels.map((label, i) => `${label}=${BigInt.asIntN(64, values[i])};`);
  const waiting = stuck.map((one) =>
    `P${one.thread} (${calls[one.thread].function}) ${waitText(one)} at ${placeIn(elf, one.rip)};`);
  return [...(stuck.length ? waiting : shown)].join(" ");
}

function waitText({ pending, exception }: StuckThread): string {
  switch (pending) {
    case PENDING_LOCK: return "waits for a lock";
    case PENDING_SLEEP: return "sleeps for ever";
    case PENDING_FAULT: return stopText(exception!);
    case PENDING_ENDLESS: return "is in an endless loop";
    case PENDING_BLOCKED: return "waits for a word that nobody writes";
    default: return "waits for ever";
  }
}

export function modelText(question: Question, { exploration }: Answer): string {
  const { model = "tso", runs, depth = 0, seed = 1n, replay } = question;
  if (replay !== undefined) return `${MODELS[model]}, one run`;
  if (runs === undefined) {
    return `${MODELS[model]}, all interleavings (${exploration.machineStates} machine states)`;
  }
  const how = depth ? `random priorities that change ${depth - 1} times` : "at random";
  return `${MODELS[model]}, ${runs} runs ${how}, seed ${seed}`;
}

/** One sentence. */
export function verdictText(question: Question, { finals, failure, exploration }: Answer): string {
  const states = `${finals.length} final state${finals.length === 1 ? "" : "s"}`;
  const what = question.predicate === undefined ? "every CPU comes to its end" : "it holds";
  if (!failure || failure.verdict === "right") {
    if (question.replay !== undefined) return `In this run ${what}.`;
    if (exploration.bound || question.runs !== undefined) {
      if (!finals.length) return "No final state was found; that is no proof.";
      return `In the ${states} found ${what}; that is no proof.`;
    }
    return `Proved: ${what} in ${finals.length === 1 ? "the one final state" : `all ${states}`}.`;
  }
  switch (failure.verdict) {
    case "wrong": return "Broken: the predicate does not hold at the end of this run";
    case "stuck": return failure.run?.stuck.some(({ exception }) => exception)
      ? "Broken: a CPU stops with an exception in this run"
      : "Broken: a CPU waits for ever at the end of this run";
    default: return "Broken: there is a loop that no CPU leaves any more.";
  }
}

/** All of it; `reproduce` is the line that shows the failure again. */
export async function explorationLines(
  title: string, question: Question, answer: Answer, reproduce: (schedule: string) => string,
): Promise<string[]> {
  const { calls, finals, failure, exploration } = answer;
  const lines = [`Explore ${title}`];
  calls.forEach((call, cpu) => {
    const args = call.args.length ? `(${call.args.map(argument).join(",")})` : "";
    lines.push(`P${cpu}: ${call.function}${args}`);
  });
  if (question.predicate !== undefined) lines.push(`Predicate ${question.predicate}`);
  lines.push(`States ${finals.length}`);
  for (const final of finals) {
    lines.push(`${final.verdict === "right" ? ":" : "*"}>${stateLine(answer, final)}`);
  }
  lines.push(`Model explore: ${modelText(question, answer)}`);
  if (exploration.bound) lines.push(`Incomplete: ${exploration.bound}`);
  const sentence = verdictText(question, answer);
  if (!failure) return [...lines, sentence];
  const naming = await namingOf(answer);
  const steps = shownSteps(answer, naming);
  const reasons = overtakings(steps, naming);
  const broken = failure.verdict === "wrong" || failure.verdict === "stuck";
  const why = !broken ? sentence
    : reasons.length ? `${sentence}: ${reasons.join(", and ")}.`
    : `${sentence}; no store was late in it.`;
  return [
    ...lines, why, ...(steps.length ? witnessRows(steps, calls.length, naming) : []),
    `reproduce: ${reproduce(failure.schedule)}`,
  ];
}

const LARGE = 1n << 32n;
const argument = (value: bigint) => (value < LARGE ? `${value}` : hex(value));
