// The explore engine for litmus programs: every final state that x86-TSO allows the threads to
// reach together.
import { stopText } from "../machine/exceptions.ts";
import { hex } from "../machine/elf.ts";
import type { Exploration, Setup, StuckThread } from "./exploration.ts";
import { Explorer } from "./explorer.ts";
import { patiently } from "./patience.ts";
import type { Engine, EngineOptions, FinalState, Outcome, Program, Witness } from "./program.ts";

const HLT = 0xf4;

export function setupOf(program: Program): Setup {
  const { memory, threads, observed } = program;
  return {
    pieces: [
      ...memory.map(({ address, initial }) => ({ lin: address, data: initial })),
      ...threads.flatMap(({ address, code, end }) => [
        { lin: address, data: code }, { lin: address + BigInt(end), data: Uint8Array.of(HLT) },
      ]),
    ],
    threads: threads.map(({ address, registers }, index) => {
      const stack = memory.find(({ stackOf }) => stackOf === index);
      const own = stack && { lin: stack.address, bytes: stack.initial.length };
      return { rip: address, registers, stack: own };
    }),
    watched: observed.map((what) =>
      what.kind === "register"
        ? what
        : {
            kind: "memory",
            lin: memory[what.variable].address + BigInt(what.offset),
            size: what.size,
          }),
  };
}

export class ExploreEngine implements Engine {
  readonly name = "explore";
  #explorer: Promise<Explorer> | undefined;

  async run(program: Program, options: EngineOptions): Promise<Outcome> {
    this.#explorer ??= Explorer.open();
    const explorer = await this.#explorer;
    const setup = setupOf(program);
    const search = explorer.exploring(setup, { statesMax: options.statesMax });
    const found = await patiently(search, options);
    const ended = found.finals.filter(({ stuck }) => !stuck.length);
    const { witness } = options;
    return {
      states: ended.map(({ values }) => ({ values, count: 1 })),
      bound: found.bound,
      stuck: stuckSentence(found),
      model: `x86-TSO, all interleavings (${found.machineStates} machine states)`,
      seconds: found.seconds,
      machineStates: found.machineStates,
      ...(witness ? { witness: witnessOf(explorer, program, found, witness) } : {}),
    };
  }
}

/** A run with as few decisions as possible that ends in a state for which `wanted` holds. */
function witnessOf(
  explorer: Explorer, program: Program, found: Exploration,
  wanted: (values: FinalState) => boolean,
): Witness | undefined {
  const final = found.finals.find(({ values, stuck }) => !stuck.length && wanted(values));
  if (!final) return undefined;
  const holds = (values: bigint[], stuck: StuckThread[]) => !stuck.length && wanted(values);
  const run = explorer.replay(explorer.minimise(final.schedule, holds));
  if (!run) return undefined;
  // The HLT behind a thread is ours.
  const steps = run.steps.filter(({ thread, offset }) => offset < program.threads[thread].end);
  return { values: run.values, steps };
}

function stuckSentence({ finals, endless }: Exploration): string | undefined {
  const stuck = finals.find((final) => final.stuck.length)?.stuck;
  if (!stuck) return endless ? "there is a loop that no thread leaves any more" : undefined;
  return stuck.map(({ thread, rip, exception }) => {
    const what = exception ? stopText(exception) : "waits for ever";
    return `P${thread} ${what} at ${hex(rip)}`;
  }).join("; ");
}
