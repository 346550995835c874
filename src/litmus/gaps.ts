// A litmus test as a question of barriers: the sites are the gaps between the memory accesses of
// each thread. The test asks which final state must not be, so a placement is safe when it is
// not reached.
import type { Engine } from "../engine/program.ts";
import type { Kind } from "../machine/sites.ts";
import { assemble } from "./assemble.ts";
import { judge } from "./print.ts";
import { runTest } from "./run.ts";
import type { LitmusTest, Statement, Thread } from "./test.ts";

export interface Gap {
  /** `P0.1` is behind the first access of P0. */
  name: string;
  kinds: readonly Kind[];
  thread: number;
  /** Index of the statement in front of which a fence goes. */
  before: number;
}

const FENCES = ["none", "sfence", "lfence", "mfence"] as const;

export function gapsOf(test: LitmusTest): Gap[] {
  return test.threads.flatMap((thread) => {
    const accesses = thread.statements.flatMap((statement, i) =>
      accessesMemory(statement) ? i : []);
    return accesses.slice(1).map((before, i) => ({
      name: `P${thread.number}.${i + 1}`, kinds: FENCES, thread: thread.number, before,
    }));
  });
}

function accessesMemory({ mnemonic, operands }: Statement): boolean {
  return mnemonic !== undefined && !/^lea/.test(mnemonic) &&
    operands.some(({ kind }) => kind === "memory");
}

/** The test with fences in its gaps. */
export function fenced(
  test: LitmusTest, gaps: readonly Gap[], placement: ReadonlyMap<string, Kind>,
): LitmusTest {
  const threads = test.threads.map((thread): Thread => {
    const own = gaps.filter((gap) => gap.thread === thread.number);
    const statements = thread.statements.flatMap((statement, i) => {
      const gap = own.find(({ before }) => before === i);
      const kind = gap && placement.get(gap.name);
      if (!kind || kind === "none") return [statement];
      const { labels, at } = statement;
      // A jump to the access comes to the fence in front of it, too.
      const fence = { labels, mnemonic: kind, lock: false, operands: [], at, text: kind };
      return [fence, { ...statement, labels: [] }];
    });
    return { ...thread, statements };
  });
  return { ...test, threads };
}

/** Is the state of the condition out of reach (for `forall`: no other state in reach)? */
export async function avoids(test: LitmusTest, engine: Engine, statesMax?: number) {
  const result = await runTest(await assemble(test), engine, { statesMax });
  const { positive, negative } = judge(result);
  const { bound, stuck, machineStates: states = 0 } = result.outcome;
  const bad = test.condition.quantifier === "forall" ? negative : positive;
  if (bad || stuck) return { verdict: "broken" as const, states };
  if (bound) return { verdict: "undecided" as const, states, bound };
  return { verdict: "safe" as const, states };
}
