// The classic shapes of memory ordering as guest programs on clovertown: what x86-TSO forbids is
// never seen, what it allows and this machine must show is. `npm run test:long` does a million
// iterations of each.
import { afterAll, describe, expect, it } from "vitest";
import { Machine } from "../../src/engine/machine.ts";

const ITERATIONS = Number(process.env.LITMUS_ITERATIONS ?? 20_000);
// Only what hangs is ended by time: a million take minutes.
const timeout = Math.max(600_000, 10 * ITERATIONS);
/** CPUs of the threads: two of one package and two of the other; the first two are far apart. */
const CPUS = "a=0 b=2 c=1 d=3";
const SHAPES = ["sb", "r", "n6", "mp", "lb", "s", "2+2w", "iriw"];
/** Shapes that may be relaxed without fences, and the lines with which they are. */
const RELAXED = [["sb", "shared"], ["r", "mixed"], ["n6", "mixed"]];

afterAll(() => Machine.shutdown());

interface Outcomes {
  exit: unknown;
  total: number;
  forbidden: number;
  states: number;
}

async function run(shape: string, options: string, memory: "tso" | "sc" = "tso") {
  const machine = await Machine.create({
    image: "shapes", workers: 1, memory,
    append: `-- shapes shape=${shape} ${CPUS} n=${ITERATIONS} ${options}`,
  });
  let text = "";
  const { exit } = await machine.run({ onConsole: (bytes) => (text += Buffer.from(bytes)) });
  machine.close();
  const lines = [...text.matchAll(/; (\d+)( forbidden)?\r?$/gm)];
  const sum = (list: typeof lines) => list.reduce((all, [, count]) => all + Number(count), 0);
  const outcomes: Outcomes = {
    exit, total: sum(lines), forbidden: sum(lines.filter(([, , bad]) => bad)), states: lines.length,
  };
  expect(outcomes.total).toBe(ITERATIONS);
  expect(outcomes.exit).toBe(outcomes.forbidden ? 1 : 0);
  return outcomes;
}

describe.each(SHAPES)("%s", (shape) => {
  it.each(["none", "mfence", "lock"])("nothing forbidden, fence %s", { timeout }, async (fence) => {
    const { forbidden, states } = await run(shape, `fence=${fence}`);
    expect(forbidden).toBe(0);
    // A shape that always comes out alike would show nothing.
    if (shape !== "sb" && shape !== "2+2w") expect(states).toBeGreaterThan(1);
  });

  it("nothing that fences forbid under sequential consistency", { timeout }, async () => {
    expect((await run(shape, "strict=1", "sc")).forbidden).toBe(0);
  });
});

it.each(RELAXED)("%s is relaxed on %s lines", { timeout }, async (shape, lines) => {
  expect((await run(shape, `strict=1 lines=${lines}`)).forbidden).toBeGreaterThan(0);
  expect((await run(shape, `fence=mfence lines=${lines}`)).forbidden).toBe(0);
  expect((await run(shape, `strict=1 lines=${lines}`, "sc")).forbidden).toBe(0);
});

it("sb is relaxed nearly always on shared lines and nearly never on owned ones", { timeout },
  async () => {
    expect((await run("sb", "strict=1")).forbidden).toBeGreaterThan(0.9 * ITERATIONS);
    const owned = await run("sb", "strict=1 lines=owned");
    expect(owned.forbidden).toBeLessThan(0.01 * ITERATIONS);
  });
