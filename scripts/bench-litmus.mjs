// npm run bench:litmus: the speed of the explore engine, beside what other tools need for the same
// where it is known. Rows are medians of RUNS; published bars were measured on a shared 2-core
// machine, so only the rows "beside" compare like with like in one run.
//
// The corpus and the Python explorer are looked for in ../shared (SMPBOX_LITMUS, SMPBOX_MODELS).
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const load = (file) => import(join(root, "dist", "src", file));
const { setupOf } = await load("engine/explore.js");
const { Explorer } = await load("engine/explorer.js");
const { functionSetup, parseCalls } = await load("engine/explore-function.js");
const { assemble } = await load("litmus/assemble.js");
const { parseBytes, parseText } = await load("litmus/parse.js");
const { readElf } = await load("machine/elf.js");

const RUNS = Number(process.env.SMPBOX_BENCH_RUNS ?? 3);
const corpus = process.env.SMPBOX_LITMUS ?? join(root, "..", "shared", "litmus");
const models = process.env.SMPBOX_MODELS ?? join(root, "..", "shared", "models");
const SB_THREADS = [4, 6, 8, 10, 12, 14, 16];
/** Without reduction the states are too many above it. */
const UNREDUCED_MAX = 8;
/** Threads of the program whose states are counted per second. */
const STATES_THREADS = 6;
const STATES_REPEATS = 20;
const WALKS = 300_000;
const WARM_UP = 5;

/** Store buffering around a ring of `n` threads. */
function storeBuffering(n) {
  const each = (text) => Array.from({ length: n }, (_, i) => text(i));
  const row = (text) => ` ${each(text).join(" | ")} ;`;
  return [
    `X86_64 SB${n}`, `{ ${each((i) => `x${i}=0;`).join(" ")} }`, row((i) => `P${i}`),
    row((i) => `movl $1,(x${i})`), row((i) => `movl (x${(i + 1) % n}),%eax`),
    `exists (${each((i) => `${i}:rax=0`).join(" /\\ ")})`,
  ].join("\n");
}

const setupOfText = async (text) => setupOf((await assemble(parseText("bench", text))).program);
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const repeated = (work) => {
  const all = Array.from({ length: RUNS }, work);
  return { ...all[0], seconds: median(all.map(({ seconds }) => seconds)) };
};
const seconds = (value) => `${value < 1 ? value.toPrecision(2) : value.toFixed(1)} s`;

/** In a thread of its own: runs from number `from` on; answers with the time they took. */
async function walkInThread({ from, runs }) {
  const setup = await setupOfText(storeBuffering(2));
  const explorer = await Explorer.open();
  explorer.walk(setup, { runs: 1000 });
  parentPort.postMessage("ready");
  parentPort.once("message", () => {
    const found = explorer.walk(setup, { runs, from });
    parentPort.postMessage(found.seconds);
    parentPort.close();
  });
}

/** Seconds of WALKS random runs, over so many threads; all begin when all are ready. */
async function walks(threads) {
  const workers = Array.from({ length: threads }, (_, i) => new Worker(
    fileURLToPath(import.meta.url),
    { workerData: { from: i * (WALKS / threads), runs: WALKS / threads } }));
  const answer = (worker) => new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  await Promise.all(workers.map(answer));
  const begun = performance.now();
  const ended = workers.map(answer);
  for (const worker of workers) worker.postMessage("go");
  await Promise.all(ended);
  return (performance.now() - begun) / 1000;
}

/** The same program for ../shared/models/tso.py; states, seconds of its processor. */
function pythonStates(n) {
  const program = [
    "import sys, time", `sys.path.insert(0, ${JSON.stringify(models)})`, "from tso import *",
    "threads = []", `for i in range(${n}):`, "    p = P()",
    `    p.st('x%d' % i, 1); p.ld('a', 'x%d' % ((i + 1) % ${n}))`, "    threads.append(p)",
    "begun = time.process_time()",
    `states, _ = explore(threads, {'x%d' % i: 0 for i in range(${n})}, maxstates=10**8)`,
    "print(states, time.process_time() - begun)",
  ].join("\n");
  const { status, stdout } = spawnSync("python3", ["-c", program], { encoding: "utf8" });
  if (status !== 0) return undefined;
  const [states, time] = stdout.trim().split(" ").map(Number);
  return { states, seconds: time };
}

/** The same here, the whole process with its compiler and collector. */
function ownStates(explorer, setup) {
  const begun = process.cpuUsage();
  let states = 0;
  for (let i = 0; i < STATES_REPEATS; i++) {
    states += explorer.explore(setup, { reduce: false }).machineStates;
  }
  const { user, system } = process.cpuUsage(begun);
  return { states, seconds: (user + system) / 1e6 };
}

/**
 * In turns, by the time of the processor, which others on the machine disturb less. A step of the
 * engine is several of Python's, so its states are fewer: the times tell more.
 */
async function statesBeside() {
  const setup = await setupOfText(storeBuffering(STATES_THREADS));
  const explorer = await Explorer.open();
  for (let i = 0; i < WARM_UP; i++) explorer.explore(setup, { reduce: false });
  const withPython = existsSync(join(models, "tso.py"));
  const [own, theirs, rates, times] = [[], [], [], []];
  for (let i = 0; i < RUNS; i++) {
    const here = ownStates(explorer, setup);
    own.push(here.states / here.seconds);
    const python = withPython ? pythonStates(STATES_THREADS) : undefined;
    if (!python) continue;
    theirs.push(python.states / python.seconds);
    rates.push(own[i] / theirs[i]);
    times.push(python.seconds / (here.seconds / STATES_REPEATS));
  }
  console.log(`states a second, SB of ${STATES_THREADS} threads, no reduction: ` +
    `${(median(own) / 1e6).toFixed(2)} million`);
  if (!times.length) return;
  console.log(`  beside: tso.py ${(median(theirs) / 1e6).toFixed(3)} million; ` +
    `${median(rates).toFixed(0)} times the states a second, ` +
    `${median(times).toFixed(0)} times as fast`);
}

/** By the time of the processor: most searches are shorter than a time slice. */
async function corpusBeside() {
  const index = join(corpus, "index.json");
  if (!existsSync(index)) {
    console.log(`the corpus: skipped, there is no ${index}`);
    return;
  }
  const { tests } = JSON.parse(readFileSync(index, "utf8"));
  const explorer = await Explorer.open();
  const sums = { all: [0, 0], "without random": [0, 0] };
  const begun = performance.now();
  for (const { file, family, herd7_time_s: herd } of tests) {
    const { program } = await assemble(parseBytes(file, readFileSync(join(corpus, file))));
    const setup = setupOf(program);
    const before = process.cpuUsage();
    explorer.explore(setup);
    const { user, system } = process.cpuUsage(before);
    for (const key of family === "rand" ? ["all"] : ["all", "without random"]) {
      sums[key][0] += (user + system) / 1e6;
      sums[key][1] += herd ?? 0;
    }
  }
  const whole = (performance.now() - begun) / 1000;
  for (const [key, [own, herd]] of Object.entries(sums)) {
    console.log(`the corpus, ${key}: ${seconds(own)}; herd7 ${seconds(herd)} (recorded); ` +
      `${(herd / own).toFixed(0)} times`);
  }
  console.log(`  reading and assembling all ${tests.length} tests too: ${seconds(whole)}`);
}

async function storeBufferings() {
  const explorer = await Explorer.open();
  for (const n of SB_THREADS) {
    const setup = await setupOfText(storeBuffering(n));
    const reduced = repeated(() => explorer.explore(setup));
    const text = ({ seconds: time, machineStates, bound }) =>
      `${seconds(time)} (${machineStates} states${bound ? `; ${bound}` : ""})`;
    const all = n > UNREDUCED_MAX ? undefined
      : repeated(() => explorer.explore(setup, { reduce: false }));
    console.log(`SB, ${n} threads: ${text(reduced)}${all ? `; no reduction ${text(all)}` : ""}`);
  }
}

async function petersons() {
  const name = "explore.elf";
  const elf = readElf(readFileSync(join(root, "workloads", "prebuilt", name)), name);
  for (const rounds of [1, 2, 3]) {
    const calls = parseCalls(`peterson(0,${rounds}),peterson(1,${rounds})`, elf, name);
    const predicate = `peterson_count == ${2 * rounds}`;
    const { setup, ramBytes } = functionSetup(elf, name, calls, { predicate });
    const explorer = await Explorer.open(undefined, ramBytes);
    const found = repeated(() => explorer.explore(setup));
    console.log(`Peterson, ${rounds} fenced round${rounds > 1 ? "s" : ""}, compiled C: ` +
      `${seconds(found.seconds)} (${found.machineStates} states)`);
  }
}

async function main() {
  await statesBeside();
  await storeBufferings();
  await petersons();
  for (const threads of [1, 2]) {
    const times = [];
    for (let i = 0; i < RUNS; i++) times.push(await walks(threads));
    console.log(`random schedules of SB, ${threads} worker${threads > 1 ? "s" : ""}: ` +
      `${(WALKS / median(times) / 1e6).toFixed(2)} million a second`);
  }
  await corpusBeside();
}

if (isMainThread) await main();
else await walkInThread(workerData);
