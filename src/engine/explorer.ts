// What the explore engine can be asked about a few threads of machine code: every final state, the
// final states of many random runs, one run again with all its steps, and which of its decisions
// matter. Litmus programs (explore.ts) and functions of an image (explore-function.ts) use it.
import * as abi from "../../assembly/abi.ts";
import { CORE_ADDRESS, ExploreBox } from "./explore-box.ts";
import { exploreModule } from "./host.ts";
import { readLog, witnessSteps } from "./explore-log.ts";
import type {
  Begin, Exploration, ExploreOptions, Final, Replay, Search, Setup, StuckThread, Watched,
  WalkOptions,
} from "./exploration.ts";
import { Pace } from "./pace.ts";
import { type Decisions, minimise } from "./schedule.ts";

export const STATES_MAX = 50_000_000;
export const BUFFER_ENTRIES = 64;
const LOG_BYTES = 1 << 22;
const DECISIONS_MAX = 65536;
const OBSERVED_BYTES = 16;
const WORD_BYTES = 8;
const MEMORY = 0xffffffff;
const PREDICATE = 0xfffffffe;
const MODELS = { tso: abi.EXPLORE_TSO, sc: abi.EXPLORE_SC, stall: abi.EXPLORE_STALL };

// How a search ended: assembly/explore/search.ts
const STATES_LIMIT = 1;
const MEMORY_LIMIT = 2;
const WORDS_LIMIT = 3;
const BUFFER_LIMIT = 4;
const CODE_LIMIT = 5;
const STEP_LIMIT = 6;
const PAUSED = 9;

// Offsets in the engine's records: assembly/explore/outcome.ts, state.ts, thread-state.ts,
// local-state.ts
const OUTCOME = {
  next: 4, count: 8, state: 16, schedule: 20, length: 24, tuple: 28, stuck: 32, values: 40,
};
const STATE = { parent: 4, via: 28 };
const THREAD_LOCAL = 4;
const LOCAL = { pending: 4, vector: 12, address: 16, rip: 32 };

/** A bigint is an object: of the values that most final states consist of there is one each. */
const SMALL = Array.from({ length: 256 }, (_, i) => BigInt(i));

function toEnd(search: Search): Exploration {
  for (;;) {
    const step = search.next(false);
    if (step.done) return step.value;
  }
}

/** Of thousands, one is asked how it came about, and can answer until the next search. */
class Found implements Final {
  #schedule: Decisions | undefined;
  readonly #at: number;
  readonly #scheduleOf: (outcome: number) => Decisions;

  constructor(
    readonly values: bigint[], readonly count: number, readonly stuck: StuckThread[],
    at: number, scheduleOf: (outcome: number) => Decisions,
  ) {
    this.#at = at;
    this.#scheduleOf = scheduleOf;
  }

  get schedule(): Decisions {
    return (this.#schedule ??= this.#scheduleOf(this.#at));
  }
}

export class Explorer {
  readonly box: ExploreBox;
  #setup: Setup = { pieces: [], threads: [], watched: [] };
  /** For a replay: decisions, then the log. */
  #room = 0;

  constructor(module: WebAssembly.Module, ramBytes?: number) {
    this.box = new ExploreBox(module, ramBytes);
  }

  /** `file`: another build of the engine. */
  static async open(file?: string, ramBytes?: number): Promise<Explorer> {
    return new Explorer(await exploreModule(file), ramBytes);
  }

  /** Puts the program into RAM and says where its threads begin. */
  load(setup: Setup): void {
    const { box } = this;
    const { exports } = box;
    this.#setup = setup;
    this.#room = 0;
    box.clear();
    for (const { lin, data, bytes } of setup.pieces) {
      box.write(lin, data);
      box.reserve(lin, bytes ?? data.length);
    }
    const at = exports.begin(CORE_ADDRESS, setup.threads.length, setup.watched.length);
    const wanted = setup.threads.map(() => 0);
    setup.watched.forEach((what, i) => this.#watch(what, at + OBSERVED_BYTES * i, wanted));
    setup.threads.forEach((thread, index) => {
      this.#begin(thread);
      const { stack } = thread;
      const host = stack ? box.hostOf(stack.lin) : 0;
      exports.setThread(
        CORE_ADDRESS, index, wanted[index], stack?.lin ?? 0n, host, stack?.bytes ?? 0,
      );
    });
    exports.ready();
  }

  #begin({ rip, registers }: Begin): void {
    this.box.exports.resetThread(CORE_ADDRESS, rip, this.box.cr3);
    this.box.setRegisters(registers);
  }

  #watch(what: Watched, at: number, wanted: number[]): void {
    const { box } = this;
    let [thread, size, place] = [MEMORY, 8, 0];
    if (what.kind === "register") {
      [thread, size, place] = [what.thread, what.size, what.register];
      wanted[thread] |= 1 << place;
    } else if (what.kind === "memory") {
      [size, place] = [what.size, box.physicalOf(what.lin)];
    } else {
      this.#begin(what.begin);
      [thread, place] = [PREDICATE, box.exports.keepCore(CORE_ADDRESS)];
    }
    box.view.setUint32(at, thread, true);
    box.view.setUint32(at + 4, size, true);
    box.view.setBigUint64(at + 8, BigInt(place), true);
  }

  #configure(options: ExploreOptions): number {
    const reduce = options.reduce === false ? 0 : 1;
    const entries = options.bufferEntries ?? BUFFER_ENTRIES;
    const statesMax = options.statesMax || STATES_MAX;
    this.box.exports.configure(statesMax, reduce, entries, MODELS[options.model ?? "tso"]);
    this.#room = 0;
    return entries;
  }

  /** Every final state. */
  explore(setup: Setup, options: ExploreOptions = {}): Exploration {
    return toEnd(this.exploring(setup, options));
  }

  /** The same; between its pauses the caller may do other things, or leave it. */
  *exploring(setup: Setup, options: ExploreOptions = {}): Search {
    const begun = performance.now();
    this.load(setup);
    const { exports } = this.box;
    const entries = this.#configure(options);
    const pace = new Pace();
    let result = pace.run(exports.search);
    let left = false;
    while (result === PAUSED && !left) {
      left = yield Number(exports.statesSeen.value) + Number(exports.stateCount.value);
      if (!left) result = pace.run(exports.searchOn);
    }
    const bound = boundOf(result, options.statesMax || STATES_MAX, entries);
    const endless = exports.endless.value as number;
    return {
      ...this.#results(begun, bound),
      storesInLoop: Boolean(exports.storesInLoop.value),
      ...(endless ? { endless: this.#pathTo(endless) } : {}),
    };
  }

  /** The final states of random runs. */
  walk(setup: Setup, options: WalkOptions): Exploration {
    return toEnd(this.walking(setup, options));
  }

  *walking(setup: Setup, options: WalkOptions): Search {
    const begun = performance.now();
    this.load(setup);
    const { exports } = this.box;
    const entries = this.#configure(options);
    const { runs, seed = 1n, from = 0, depth = 0 } = options;
    const pace = new Pace();
    let result = pace.run((slice) => exports.walk(runs, BigInt(from), seed, depth, slice));
    let left = false;
    while (result === PAUSED && !left) {
      left = yield exports.runsDone.value as number;
      if (!left) result = pace.run(exports.walkOn);
    }
    const cut = exports.runsCut.value as number;
    const bound = (left ? `stopped after ${exports.runsDone.value} of ${runs} runs: interrupted`
      : boundOf(result, 0, entries)) ??
      (cut ? `${cut} of ${runs} runs did not end within ${DECISIONS_MAX} decisions` : undefined);
    return this.#results(begun, bound);
  }

  /** Linear addresses of the words that were found to be shared: a schedule depends on them. */
  sharedWords(): bigint[] {
    const { exports } = this.box;
    const count = exports.sharedCount.value as number;
    return Array.from({ length: count }, (_, i) =>
      this.box.linearOf(exports.sharedWord(i) * WORD_BYTES));
  }

  /** For replay(): the program with these words shared, as in the search that gave the schedule. */
  prepare(setup: Setup, words: readonly bigint[], options: ExploreOptions = {}): void {
    this.load(setup);
    const { exports } = this.box;
    for (const lin of words) exports.share(this.box.physicalOf(lin) / WORD_BYTES);
    this.#configure(options);
    exports.walk(0, 0n, 0n, 0, 1);
  }

  #results(begun: number, bound: string | undefined): Exploration {
    const { exports, view } = this.box;
    const finals: Final[] = [];
    for (let at = exports.outcomes.value as number; at;) {
      finals.push(this.#final(at));
      at = view.getUint32(at + OUTCOME.next, true);
    }
    return {
      finals,
      bound,
      machineStates: exports.stateCount.value,
      statesSeen: Number(exports.statesSeen.value),
      transitions: Number(exports.transitions.value),
      searches: exports.searches.value,
      instructions: Number(exports.instructions.value),
      seconds: (performance.now() - begun) / 1000,
    };
  }

  #final(at: number): Final {
    const { view } = this.box;
    const count = Number(view.getBigUint64(at + OUTCOME.count, true));
    return new Found(this.#values(at), count, this.#stuck(at), at, this.#scheduleOf);
  }

  readonly #scheduleOf = (outcome: number): Decisions => {
    const { view } = this.box;
    const state = view.getUint32(outcome + OUTCOME.state, true);
    if (state) return this.#pathTo(state);
    const list = view.getUint32(outcome + OUTCOME.schedule, true);
    return this.#listAt(list, view.getUint32(outcome + OUTCOME.length, true));
  };

  #values(outcome: number): bigint[] {
    const { view } = this.box;
    const values: bigint[] = [];
    for (let i = 0; i < this.#setup.watched.length; i++) {
      const at = outcome + OUTCOME.values + 8 * i;
      const low = view.getUint32(at, true);
      const small = low < SMALL.length && !view.getUint32(at + 4, true);
      values.push(small ? SMALL[low] : view.getBigUint64(at, true));
    }
    return values;
  }

  #stuck(outcome: number): StuckThread[] {
    const { view } = this.box;
    const mask = view.getUint32(outcome + OUTCOME.stuck, true);
    if (!mask) return [];
    const threads = view.getUint32(outcome + OUTCOME.tuple, true);
    return this.#setup.threads.flatMap((_, thread) => {
      if (!((mask >> thread) & 1)) return [];
      const local = view.getUint32(view.getUint32(threads + 4 * thread, true) + THREAD_LOCAL, true);
      const pending = view.getUint32(local + LOCAL.pending, true);
      const rip = view.getBigUint64(local + LOCAL.rip, true);
      if (pending !== abi.PENDING_FAULT) return [{ thread, pending, rip }];
      const vector = view.getUint32(local + LOCAL.vector, true);
      const address = view.getBigUint64(local + LOCAL.address, true);
      return [{ thread, pending, rip, exception: { vector, address } }];
    });
  }

  #listAt(at: number, length: number): Decisions {
    return [...this.box.bytes.slice(at, at + length)];
  }

  #pathTo(state: number): Decisions {
    const { view } = this.box;
    const decisions: Decisions = [];
    for (let at = state; ;) {
      const parent = view.getUint32(at + STATE.parent, true);
      if (!parent) return decisions.reverse();
      decisions.push(view.getUint8(at + STATE.via));
      at = parent;
    }
  }

  #replay(decisions: Decisions, log: boolean): number {
    const { box } = this;
    const { exports } = box;
    if (!this.#room) {
      exports.openReplay();
      this.#room = exports.room(DECISIONS_MAX + LOG_BYTES);
    }
    box.bytes.set(decisions.slice(0, DECISIONS_MAX), this.#room);
    const from = this.#room + DECISIONS_MAX;
    const count = Math.min(decisions.length, DECISIONS_MAX);
    return exports.replay(this.#room, count, log ? from : 0, log ? from + LOG_BYTES : 0);
  }

  /**
   * One run of the program explored last. Decisions that are not possible are passed over; after
   * the last one every thread goes on as under sequential consistency. Undefined: no end in sight.
   */
  replay(decisions: Decisions): Replay | undefined {
    const outcome = this.#replay(decisions, true);
    if (!outcome) return undefined;
    const { box } = this;
    const { exports } = box;
    const from = exports.replayed.value as number;
    const length = exports.replayedLength.value as number;
    const entries = this.#setup.threads.map(({ rip }) => rip);
    const events = readLog(box.view, this.#room + DECISIONS_MAX, exports.logLength.value as number);
    return {
      values: this.#values(outcome),
      stuck: this.#stuck(outcome),
      schedule: this.#listAt(from, length),
      steps: witnessSteps(events, entries, (phys) => box.linearOf(phys)),
    };
  }

  /** The decisions without which `fails` no longer holds of the end of the run. */
  minimise(
    decisions: Decisions, fails: (values: bigint[], stuck: StuckThread[]) => boolean,
  ): Decisions {
    return minimise(decisions, (list) => {
      const outcome = this.#replay(list, false);
      return outcome !== 0 && fails(this.#values(outcome), this.#stuck(outcome));
    });
  }
}

function boundOf(result: number, statesMax: number, entries: number): string | undefined {
  switch (result) {
    case STATES_LIMIT: return `stopped after ${statesMax} machine states`;
    case MEMORY_LIMIT: return "stopped: no memory left for more machine states";
    case WORDS_LIMIT: return "stopped: the threads share or write too many words of memory";
    case CODE_LIMIT: return "stopped: code is written, and what runs then is not explored";
    case STEP_LIMIT: return "stopped: a CPU runs 1000000 instructions without touching memory " +
      "that others use";
    case PAUSED: return "stopped before its end: interrupted";
    case BUFFER_LIMIT: return `store buffers of ${entries} entries were full at times`;
    default: return undefined;
  }
}
