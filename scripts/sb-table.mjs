// node scripts/sb-table.mjs: src/machine/validation/store-buffering.md, how often each machine
// relaxes store buffering, by how far apart the two CPUs are. Takes some minutes; build first.
import { writeFileSync } from "node:fs";
import { sbRate } from "../dist/src/cases/validate.js";
import { loadPreset, presetNames } from "../dist/src/engine/files.js";
import { Machine } from "../dist/src/engine/machine.js";
import { pairsByRelation } from "../dist/src/machine/topology.js";

const ITERATIONS = 1000;
const FILE = new URL("../src/machine/validation/store-buffering.md", import.meta.url);
/** Starts of the widest scan lie so far apart: a window as wide is at least that. */
const SCAN = 400;

const HEAD = `# How often store buffering is relaxed

Each CPU stores to one line and then loads the other's; relaxed: both loads find the old value.
No such table of x86 machines by pair of cores is published. This one is what the models of the
bundled machines do, an in-order approximation, made by \`node scripts/sb-table.mjs\`;
\`smpbox validate --machine NAME --sb-table --all-pairs\` shows every pair.

* **together**: started in one cycle, both CPUs have both lines; of ${ITERATIONS} tries.
* **own lines**: the same, but each CPU owns the line that it stores to.
* **within ${SCAN}**: as the first, but started up to ${SCAN} cycles apart at random.
* **window**: cycles of difference between the starts within which most outcomes are relaxed;
  ${SCAN} is the widest that is looked at.

| machine | pair | CPUs | together | own lines | within ${SCAN} | window |
|---|---|---|---:|---:|---:|---:|
`;

const percent = (value) => `${value.toFixed(1)} %`;

/** The rows of one machine. */
export async function rowsOf(name) {
  const rows = [];
  for (const [relation, cpus] of pairsByRelation(loadPreset(name))) {
    const rate = await sbRate(name, cpus, relation, ITERATIONS);
    const shares = [rate.shared, rate.owned, rate.random].map(percent);
    rows.push(`| ${[name, relation, cpus.join(", "), ...shares, rate.window].join(" | ")} |`);
  }
  return rows;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const rows = [];
  for (const name of presetNames()) rows.push(...(await rowsOf(name)));
  writeFileSync(FILE, `${HEAD}${rows.join("\n")}\n`);
  await Machine.shutdown();
}
