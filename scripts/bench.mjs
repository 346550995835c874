// npm run bench: the integer benchmark (workloads/user/bench.c), the same static ELF file in the
// box with full timing, natively, under qemu-x86_64 and under cachegrind. The subjects take turns,
// RUNS times; a row is a median, a ratio the median of the ratios within one turn. A run during
// which others used more than FOREIGN_MAX of a core is noisy; the table says how many were.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { Machine } = await import(join(root, "dist", "src", "index.js"));
const image = join(root, "workloads", "prebuilt", "bench.elf");
const RUNS = 5;
const FOREIGN_MAX = 0.15;
const TICKS_SECOND = 100; // USER_HZ

// Scales at which a run takes about a second, so that starting up does not count.
const SCALE_ONE = 8;
const SCALE_EIGHT = 2;
const SCALE_NATIVE = 400;
const SCALE_QEMU = 200;
const SCALE_CACHEGRIND = 30;

function onBox(machine, workers, scale) {
  return async () => {
    const append = `-- bench scale=${scale}`;
    const box = await Machine.create({ image, machine, workers, append });
    const { exit, hostSeconds, instructions, reason } = await box.run();
    box.close();
    if (exit !== 0) throw new Error(`bench on ${machine}: exit ${exit} ${reason ?? ""}`);
    return { seconds: hostSeconds, instructions: Number(instructions) };
  };
}

function onHost(words, scale) {
  const [command, ...rest] = [...words, image, "copies=1", `scale=${scale}`];
  return async () => {
    const start = performance.now();
    const { status } = spawnSync(command, rest, { stdio: "ignore" });
    if (status !== 0) return undefined;
    const seconds = (performance.now() - start) / 1000;
    return { seconds, instructions: instructionsOf(scale) };
  };
}

/** Of one copy, as the box counts them: they are linear in the scale. */
let instructionsOf;

async function calibrate() {
  const [one, two] = [await onBox("uni1", 1, 1)(), await onBox("uni1", 1, 2)()];
  const each = two.instructions - one.instructions;
  instructionsOf = (scale) => each * scale;
}

/** CPU seconds that the host spent for anybody, and for this process and its children. */
function cpuSeconds() {
  if (!existsSync("/proc/stat")) return undefined;
  const [line] = readFileSync("/proc/stat", "utf8").split("\n");
  const fields = line.split(/\s+/).slice(1).map(Number);
  const [user, nice, system, , , irq, softirq, steal] = fields;
  const own = readFileSync("/proc/self/stat", "utf8").replace(/^.*\) /, "").split(" ");
  const mine = own.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
  const all = user + nice + system + irq + softirq + (steal ?? 0);
  return { all: all / TICKS_SECOND, own: mine / TICKS_SECOND };
}

async function measure(work) {
  const before = cpuSeconds();
  const start = performance.now();
  const result = await work();
  const wall = (performance.now() - start) / 1000;
  const after = cpuSeconds();
  if (!result) return undefined;
  const foreign = before ? after.all - before.all - (after.own - before.own) : 0;
  const mips = result.instructions / result.seconds / 1e6;
  return { ...result, mips, noisy: foreign > FOREIGN_MAX * wall };
}

const subjects = [
  { name: "box uni1, 1 worker", key: "one", work: onBox("uni1", 1, SCALE_ONE) },
  {
    name: "box clovertown, 8 CPUs, 1 worker",
    key: "eight1",
    work: onBox("clovertown", 1, SCALE_EIGHT),
  },
  {
    name: "box clovertown, 8 CPUs, 2 workers",
    key: "eight2",
    work: onBox("clovertown", 2, SCALE_EIGHT),
  },
  { name: "native", key: "native", work: onHost([], SCALE_NATIVE) },
  { name: "qemu-x86_64", key: "qemu", work: onHost(["qemu-x86_64"], SCALE_QEMU) },
  {
    name: "cachegrind --cache-sim=yes",
    key: "cachegrind",
    work: onHost(
      ["valgrind", "--tool=cachegrind", "--cache-sim=yes", "--cachegrind-out-file=/dev/null"],
      SCALE_CACHEGRIND,
    ),
  },
];

await calibrate();
const turns = [];
for (let run = 0; run < RUNS; run++) {
  const turn = {};
  for (const { name, key, work } of subjects) {
    process.stderr.write(`turn ${run + 1} of ${RUNS}: ${name}\n`);
    turn[key] = await measure(work);
  }
  turns.push(turn);
}
await Machine.shutdown();

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const taken = (key) => turns.map((turn) => turn[key]).filter((result) => result !== undefined);

console.log(`bench, full timing, medians of ${RUNS}; ${availableParallelism()} host cores`);
const columns = ["M instr.", "seconds", "MIPS", "of qemu", "noisy runs"];
const COLUMN = 11;
const row = (name, cells) =>
  name.padEnd(34) + cells.map((cell) => cell.padStart(COLUMN)).join("");
console.log(row("", columns));
for (const { name, key } of subjects) {
  const results = taken(key);
  if (results.length === 0) {
    console.log(row(name, ["", "", "absent"]));
    continue;
  }
  const ratio = ratioOf(key, "qemu");
  console.log(row(name, [
    (median(results.map((result) => result.instructions)) / 1e6).toFixed(0),
    median(results.map((result) => result.seconds)).toFixed(3),
    median(results.map((result) => result.mips)).toFixed(1),
    ratio === undefined ? "" : ratio.toFixed(4),
    `${results.filter((result) => result.noisy).length}/${results.length}`,
  ]));
}

/** Of the MIPS, within one turn. */
function ratioOf(key, other) {
  const pairs = turns.filter((turn) => turn[key] && turn[other]);
  if (pairs.length === 0) return undefined;
  return median(pairs.map((turn) => turn[key].mips / turn[other].mips));
}

const ratios = [
  ["one CPU against qemu-x86_64", "one", "qemu", 0.026],
  ["eight CPUs, two workers over one", "eight2", "eight1", 1.4],
  ["eight CPUs, two workers, against qemu-x86_64", "eight2", "qemu", 0.04],
];
for (const [what, key, other, target] of ratios) {
  const ratio = ratioOf(key, other);
  const text = ratio === undefined ? "not measured" : ratio.toFixed(3);
  console.log(`${what}: ${text} (target ${target})`);
}
if (taken("qemu").length === 0) console.log("qemu-x86_64: apt-get install qemu-user");
if (taken("cachegrind").length === 0) console.log("cachegrind: apt-get install valgrind");
