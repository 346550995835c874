// Of the tests in a folder whose outcome x86-TSO allows and sequential consistency forbids, the
// share that shows it on a machine: a line per test, then totals by shape and over all.
// Usage: node scripts/litmus-share.mjs FOLDER [--machine M] [--runs N] [--names]
//
// Both sets come from the explore engine. A test is run 1,000 times, then 10,000, then as often as
// --runs says (100,000), each time with another seed, until it shows its outcome; all runs count.
// A state that x86-TSO forbids is a violation.
import { readdirSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { parseArgs } from "node:util";
import { setupOf } from "../dist/src/engine/explore.js";
import { Explorer } from "../dist/src/engine/explorer.js";
import { Machine } from "../dist/src/engine/machine.js";
import { TimingEngine } from "../dist/src/engine/litmus/timing.js";
import { assemble } from "../dist/src/litmus/assemble.js";
import { parseBytes } from "../dist/src/litmus/parse.js";

const { values: options, positionals: [folder] } = parseArgs({
  allowPositionals: true,
  options: {
    machine: { type: "string", default: "clovertown" },
    runs: { type: "string", default: "100000" },
    /** Only the names of the tests, not their runs. */
    names: { type: "boolean", default: false },
  },
});
if (!folder) {
  console.error("usage: node scripts/litmus-share.mjs FOLDER [--machine M] [--runs N] [--names]");
  process.exit(2);
}
const STATES_MAX = 2_000_000;
/** diy's name of a cycle, without what is inside the threads. */
const SHAPE = /^(2\+2W|W\+(RWC|RW\+2W)|[^+@]+)/;
const runsMax = Number(options.runs);
const steps = [1000, 10_000, runsMax].filter((runs) => runs <= runsMax);

const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".litmus"))
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  .sort();
const explorer = await Explorer.open();
const engine = new TimingEngine();
const families = new Map();

/** Can a state that satisfies the condition be reached? Undefined if that is not known. */
function reachable(assembled, model, allowed) {
  const found = explorer.explore(setupOf(assembled.program), { model, statesMax: STATES_MAX });
  for (const { values } of found.finals) allowed?.add(assembled.line(values));
  const holds = found.finals.some(({ values, stuck }) =>
    !stuck.length && assembled.passes(values) && assembled.holds(values));
  return holds || found.bound === undefined ? holds : undefined;
}

/** Runs until the outcome was seen, or undefined. */
async function runsUntilSeen(assembled, allowed) {
  let runs = 0;
  let seed = 1n;
  for (const step of steps) {
    const more = Math.min(step, runsMax - runs);
    if (more <= 0) break;
    const outcome = await engine.run(assembled.program, {
      machine: options.machine, runs: more, seed: seed++,
    });
    runs += more;
    for (const { values } of outcome.states) {
      const line = assembled.line(values);
      if (allowed.has(line)) continue;
      console.log(`VIOLATION ${assembled.test.name}: ${line}`);
      process.exitCode = 1;
    }
    const seen = ({ values }) => assembled.passes(values) && assembled.holds(values);
    if (outcome.states.some(seen)) return runs;
  }
  return undefined;
}

for (const file of files) {
  const assembled = await assemble(parseBytes(file, readFileSync(file)));
  if (assembled.test.condition.quantifier === "forall") continue;
  const allowed = new Set();
  if (!reachable(assembled, "tso", allowed) || reachable(assembled, "sc") !== false) continue;
  const name = basename(file, ".litmus");
  if (options.names) {
    console.log(relative(folder, file));
    continue;
  }
  const runs = await runsUntilSeen(assembled, allowed);
  const family = SHAPE.exec(name)[0];
  const counts = families.get(family) ?? { seen: 0, all: 0 };
  families.set(family, { seen: counts.seen + (runs ? 1 : 0), all: counts.all + 1 });
  console.log(`${runs ?? "never"} ${family} ${name}`);
}
let seen = 0;
let all = 0;
for (const [family, counts] of families) {
  console.log(`${family}: ${counts.seen} of ${counts.all}`);
  seen += counts.seen;
  all += counts.all;
}
if (all) console.log(`${options.machine}: ${seen} of ${all} (${(100 * seen / all).toFixed(1)} %)`);
await Machine.shutdown();
