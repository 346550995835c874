// Part of npm run bench: seeds of a case in a second, one run at a time and two, on a worker each.
// The runs are those that never hang, so that each seed is the same amount of work.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), "dist", "src");
const { Machine } = await import(join(dist, "index.js"));
const { findCase } = await import(join(dist, "cases", "index.js"));
const { runAll } = await import(join(dist, "cases", "runner.js"));

const SEEDS = 8;
const ROUNDS = 2000;

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Seeds in a second with so many runs at a time. */
async function seedsPerSecond(definition, jobs) {
  const specs = Array.from({ length: SEEDS }, (_, i) => ({
    machine: definition.machine, variant: definition.fixed, workload: definition.workload,
    pair: [0, 2], seed: BigInt(i + 1), rounds: ROUNDS, memory: "tso",
  }));
  const start = performance.now();
  const runs = await runAll(definition, specs, { jobs });
  const seconds = (performance.now() - start) / 1000;
  const broken = runs.find((run) => run.broken ?? run.failure);
  if (broken) throw new Error(`case 001, seed ${broken.spec.seed}: ${broken.broken ?? "hangs"}`);
  return SEEDS / seconds;
}

/** Lines for the table; medians of `turns` turns. */
export async function caseLines(turns) {
  const definition = findCase("001");
  const rates = { 1: [], 2: [] };
  for (let turn = 0; turn < turns; turn++) {
    process.stderr.write(`turn ${turn + 1} of ${turns}: seeds of case 001\n`);
    for (const jobs of [1, 2]) rates[jobs].push(await seedsPerSecond(definition, jobs));
  }
  await Machine.shutdown();
  const ratio = median(rates[2].map((rate, turn) => rate / rates[1][turn]));
  return [
    `case 001, ${definition.fixed}, ${ROUNDS} rounds: ${median(rates[1]).toFixed(2)} seeds/s, ` +
      `two runs at a time ${median(rates[2]).toFixed(2)}`,
    `seeds of a case, two workers over one: ${ratio.toFixed(3)}`,
  ];
}
