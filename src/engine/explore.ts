// The explore engine for litmus programs: every final state that x86-TSO, or sequential consistency,
// allows the threads to reach together.
import * as abi from "../../assembly/abi.ts";
import { CORE_ADDRESS, ExploreBox, exploreModule } from "./explore-box.ts";
import type {
  CountedState, Engine, EngineOptions, FinalState, Observed, Outcome, Program,
} from "./program.ts";

/** How a search ended: assembly/explore/search.ts. */
const SEARCH_COMPLETE = 0;
const STATES_LIMIT = 1;
const MEMORY_LIMIT = 2;
const WORDS_LIMIT = 3;
const BUFFER_LIMIT = 4;

export const STATES_MAX = 50_000_000;
export const BUFFER_ENTRIES = 64;
/** An Outcome record: assembly/explore/outcome.ts. */
const OUTCOME_NEXT = 4;
const OUTCOME_COUNT = 8;
const OUTCOME_STUCK = 28;
const OUTCOME_VALUES = 32;
const MEMORY_OBSERVED = 0xffffffff;
const OBSERVED_BYTES = 16;
const HLT = 0xf4;
const MODELS = { tso: abi.EXPLORE_TSO, sc: abi.EXPLORE_SC, stall: abi.EXPLORE_STALL };

export interface ExploreOptions {
  /** stall: a load that a buffered store covers in part waits for it. */
  model?: "tso" | "sc" | "stall";
  /** Partial-order reduction; on unless false. */
  reduce?: boolean;
  statesMax?: number;
  bufferEntries?: number;
}

/** All final states of a program, as the engine has them. */
export interface Exploration {
  /** Final states of executions in which every thread came to its end. */
  states: CountedState[];
  /** States in which nothing is possible although these threads have not ended (bit mask). */
  stuck: { values: FinalState; threads: number }[];
  /** Is there a loop that no thread leaves any more? */
  endless: boolean;
  bound?: string;
  /** Distinct states of the last search, and what all searches came to. */
  machineStates: number;
  statesSeen: number;
  transitions: number;
  searches: number;
  instructions: number;
  seconds: number;
}

export class Explorer {
  readonly #box: ExploreBox;

  constructor(module: WebAssembly.Module, ramBytes?: number) {
    this.#box = new ExploreBox(module, ramBytes);
  }

  static async open(file?: string): Promise<Explorer> {
    return new Explorer(await exploreModule(file));
  }

  get box(): ExploreBox {
    return this.#box;
  }

  /** Puts the program into RAM and says where its threads begin. */
  load(program: Program): void {
    const box = this.#box;
    box.clear();
    for (const variable of program.memory) box.write(variable.address, variable.initial);
    for (const thread of program.threads) {
      box.write(thread.address, thread.code);
      box.write(thread.address + BigInt(thread.end), Uint8Array.of(HLT));
    }
    const { exports } = box;
    const observed = exports.begin(CORE_ADDRESS, program.threads.length, program.observed.length);
    const wanted = program.threads.map(() => 0);
    program.observed.forEach((what, i) => {
      this.#observe(program, what, observed + OBSERVED_BYTES * i, wanted);
    });
    program.threads.forEach((thread, index) => {
      exports.resetThread(CORE_ADDRESS, thread.address, box.cr3);
      thread.registers.forEach((value, register) => box.setRegister(register, value));
      const stack = program.memory.find(({ stackOf }) => stackOf === index);
      exports.setThread(
        CORE_ADDRESS, index, wanted[index], stack?.address ?? 0n,
        stack ? box.hostOf(stack.address) : 0, stack?.initial.length ?? 0,
      );
    });
  }

  #observe(program: Program, what: Observed, at: number, wanted: number[]): void {
    const { view } = this.#box;
    view.setUint32(at + 4, what.size, true);
    if (what.kind === "register") {
      view.setUint32(at, what.thread, true);
      view.setBigUint64(at + 8, BigInt(what.register), true);
      wanted[what.thread] |= 1 << what.register;
    } else {
      const lin = program.memory[what.variable].address + BigInt(what.offset);
      view.setUint32(at, MEMORY_OBSERVED, true);
      view.setBigUint64(at + 8, BigInt(this.#box.physicalOf(lin)), true);
    }
  }

  explore(program: Program, options: ExploreOptions = {}): Exploration {
    const begun = performance.now();
    this.load(program);
    const { exports } = this.#box;
    const statesMax = options.statesMax || STATES_MAX;
    const entries = options.bufferEntries ?? BUFFER_ENTRIES;
    const reduce = options.reduce === false ? 0 : 1;
    exports.configure(statesMax, reduce, entries, MODELS[options.model ?? "tso"]);
    const result = exports.search();
    const states: CountedState[] = [];
    const stuck: Exploration["stuck"] = [];
    for (const { values, count, threads } of this.#outcomes(program.observed.length)) {
      if (threads) stuck.push({ values, threads });
      else states.push({ values, count });
    }
    return {
      states,
      stuck,
      endless: exports.endless.value !== 0,
      bound: boundOf(result, statesMax, entries),
      machineStates: exports.stateCount.value,
      statesSeen: Number(exports.statesSeen.value),
      transitions: Number(exports.transitions.value),
      searches: exports.searches.value,
      instructions: Number(exports.instructions.value),
      seconds: (performance.now() - begun) / 1000,
    };
  }

  *#outcomes(observed: number) {
    const { view, exports } = this.#box;
    for (let at = exports.outcomes.value as number; at; at = view.getUint32(at + OUTCOME_NEXT, true)) {
      const values: bigint[] = [];
      for (let i = 0; i < observed; i++) {
        values.push(view.getBigUint64(at + OUTCOME_VALUES + 8 * i, true));
      }
      const count = Number(view.getBigUint64(at + OUTCOME_COUNT, true));
      yield { at, values, count, threads: view.getUint32(at + OUTCOME_STUCK, true) };
    }
  }
}

function boundOf(result: number, statesMax: number, entries: number): string | undefined {
  switch (result) {
    case SEARCH_COMPLETE: return undefined;
    case STATES_LIMIT: return `stopped after ${statesMax} machine states`;
    case MEMORY_LIMIT: return "stopped: no memory left for more machine states";
    case WORDS_LIMIT: return "stopped: the threads share or write too many words of memory";
    case BUFFER_LIMIT: return `store buffers of ${entries} entries were full at times`;
    default: throw new Error(`the search ended with ${result}`);
  }
}

export class ExploreEngine implements Engine {
  readonly name = "explore";
  #explorer: Promise<Explorer> | undefined;

  async run(program: Program, options: EngineOptions): Promise<Outcome> {
    this.#explorer ??= Explorer.open();
    const found = (await this.#explorer).explore(program, { statesMax: options.statesMax });
    return {
      states: found.states.map(({ values }) => ({ values, count: 1 })),
      bound: found.bound,
      stuck: stuckSentence(found),
      model: `x86-TSO, all interleavings (${found.machineStates} machine states)`,
      seconds: found.seconds,
      machineStates: found.machineStates,
    };
  }
}

function stuckSentence({ stuck, endless }: Exploration): string | undefined {
  if (stuck.length) {
    const names = [...Array(32).keys()].filter((i) => (stuck[0].threads >> i) & 1);
    return `${names.map((i) => `P${i}`).join(", ")} can wait for ever`;
  }
  return endless ? "there is a loop that no thread leaves any more" : undefined;
}
