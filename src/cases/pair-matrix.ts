// Case 003's repairs, right and wrong ones, and the pairs of case M as matrices: who sleeps for
// ever and who touches what was freed, in every interleaving of two compiled functions
// (workloads/explore: dio.c, pairs.c, queues.c), under each memory model.
import { breathe } from "../engine/breathe.ts";
import { type Answer, askWith, type Question } from "../engine/explore-image.ts";
import type { ImageFile } from "../machine/image.ts";

export interface Pair {
  id: string;
  /** What each side is written with. */
  sides: [string, string];
  entries: string;
  /** Holds when nothing is touched that was freed. */
  alive?: string;
}

export interface PairCell extends Pair {
  memory: "tso" | "sc";
  /** `use-after-free`: nobody sleeps for ever. */
  verdict: "hang" | "use-after-free" | "safe";
  /** Of a pair that hangs, too. */
  useAfterFree: boolean;
  states: number;
  seconds: number;
  /** A short run that hangs. */
  schedule?: string;
  /** One that touches what was freed. */
  late?: string;
}

/** Arguments of dio_end() and dio_await() by what they are. */
const ENDS = [
  "look, drop", "all under lock", "wake behind lock", "look, mb, drop", "look under lock",
  "drop under lock", "drop, look", "drop, lock, look",
];
const AWAITS = [
  "checked", "plain, locked", "publish first", "publish, sfence", "xchg state, publish",
  "publish, xchg state", "publish, mb",
];
/** Each repair of case 003 by its variant (003-workloads.ts): how it ends, and how it waits. */
const DIO: [string, number, number][] = [
  ["bug", 0, 0], ["f0", 1, 0], ["f0", 1, 1], ["f1", 2, 0], ["x1", 3, 0], ["x2", 4, 0],
  ["x2b", 5, 0], ["x3", 6, 0], ["x4", 7, 0], ["x5", 6, 2], ["x6", 6, 3], ["x6b", 6, 4],
  ["x7", 6, 5], ["x7", 6, 6],
];

/** As enum fence of pairs.c and queues.c has them. */
const FENCES = ["none", "wmb", "mb", "locked"] as const;
type Fence = (typeof FENCES)[number];
interface System {
  id: string;
  functions: [string, string];
  kinds: [readonly Fence[], readonly Fence[]];
}
const SYSTEMS: System[] = [
  { id: "M1 wait queue", functions: ["wq_wake", "wq_wait"],
    kinds: [["none", "wmb", "mb"], ["none", "wmb", "mb", "locked"]] },
  { id: "M4 SQPOLL", functions: ["sq_submit", "sq_poll"],
    kinds: [["none", "wmb", "mb"], ["none", "wmb", "mb", "locked"]] },
  { id: "M5 virtio", functions: ["vq_add", "vq_rearm"],
    kinds: [["none", "wmb", "mb"], ["none", "locked"]] },
  { id: "M6 eventfd", functions: ["event_write", "event_read"],
    kinds: [["none", "mb"], ["none", "mb"]] },
  { id: "M7 mutex", functions: ["mutex_leave", "mutex_block"],
    kinds: [["none", "wmb", "mb"], ["none", "mb", "locked"]] },
  { id: "M8 bit", functions: ["bit_unlock", "bit_wait"],
    kinds: [["none", "wmb", "mb", "locked"], ["none", "mb", "locked"]] },
];

const argument = (fence: Fence) => FENCES.indexOf(fence);

function pairsOfM(): Pair[] {
  const pairs = SYSTEMS.flatMap(({ id, functions: [left, right], kinds }) =>
    kinds[0].flatMap((x) => kinds[1].map((y): Pair => ({
      id, sides: [x, y], entries: `${left}(${argument(x)}),${right}(${argument(y)})`,
    }))));
  const unlinking = (["none", "mb"] as const).flatMap((fence) =>
    ["unlink, wake", "wake, unlink"].map((order, wakeFirst): Pair => ({
      id: "M2 fs/aio", sides: [order, fence], alive: "stack_late == 0",
      entries: `stack_wake(${argument(fence)},${wakeFirst}),stack_return(${argument(fence)})`,
    })));
  return [...pairs, ...unlinking];
}

/** By the case's name. */
export const PAIRS: Readonly<Record<string, readonly Pair[]>> = {
  "003": DIO.map(([id, end, wait]) => ({
    id, sides: [ENDS[end], AWAITS[wait]], entries: `dio_end(${end}),dio_await(${wait})`,
    alive: "dio_ok",
  })),
  M: pairsOfM(),
};

export async function* pairMatrix(
  image: ImageFile, pairs: readonly Pair[], signal?: AbortSignal,
): AsyncGenerator<PairCell> {
  const ask = askWith();
  for (const pair of pairs) {
    for (const memory of ["sc", "tso"] as const) {
      await breathe();
      if (signal?.aborted) return;
      const begun = performance.now();
      const about = async (predicate?: string) => {
        const question: Question = { entries: pair.entries, model: memory, predicate };
        return { answer: complete(await ask(image, question), pair.entries), predicate };
      };
      const { answer } = await about();
      const hang = witness(answer, "stuck");
      const late = pair.alive === undefined ? undefined
        : witness((await about(pair.alive)).answer, "wrong");
      yield {
        ...pair, memory,
        verdict: hang ? "hang" : late ? "use-after-free" : "safe",
        useAfterFree: late !== undefined,
        states: answer.exploration.machineStates,
        seconds: (performance.now() - begun) / 1000,
        schedule: hang, late,
      };
    }
  }
}

/** No verdict from a search that was cut short, or that found a loop without an end. */
function complete(answer: Answer, entries: string): Answer {
  const { bound, endless } = answer.exploration;
  if (bound || endless) throw new Error(`${entries}: ${bound ?? "a loop that does not end"}`);
  return answer;
}

const witness = ({ failure }: Answer, verdict: "stuck" | "wrong") =>
  failure?.verdict === verdict ? failure.schedule : undefined;
