// npm run bench: the integer benchmark (workloads/user/bench.c), the same static ELF file in the
// box with full timing, natively, under qemu-x86_64 and under cachegrind. The subjects take turns,
// RUNS times; a row is a median, a ratio the median of the ratios within one turn.
//
// Like with like: the instructions are those of the program's passes, a number that depends only on
// scale and copies, whoever executes them and whatever a kernel or a spinning CPU executes besides;
// the seconds are those of a run less those of a run without a pass (scale=0) in the same turn, so
// that boot, the start of a process and its set-up do not count. A run during which others used
// more than FOREIGN_MAX of a core is noisy, and one of several workers around which a barrier of
// two threads took more than BARRIER_US_MAX; the table says how many were.
//
// What meets (workloads/user/contend.c) has no number of instructions of its own, as CPUs spin: its
// rows count all that the machine executed, and its ratios are those of the seconds.
//
// SMPBOX_BENCH_RUNS and SMPBOX_BENCH_SCALE (a factor) make it shorter, to try it out.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BarrierProbe } from "./barrier-probe.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { Machine } = await import(join(root, "dist", "src", "index.js"));
const image = join(root, "workloads", "prebuilt", "bench.elf");
const RUNS = Number(process.env.SMPBOX_BENCH_RUNS ?? 7);
const FACTOR = Number(process.env.SMPBOX_BENCH_SCALE ?? 1);
const FOREIGN_MAX = 0.15;
const BARRIER_US_MAX = 1;
const TICKS_SECOND = 100; // USER_HZ

// Scales at which the passes take about a second.
const scaled = (scale) => Math.max(1, Math.round(scale * FACTOR));
const SCALE_ONE = scaled(8);
const SCALE_EIGHT = scaled(2);
const SCALE_MANY = scaled(1);
const ROUNDS_SHARED = scaled(6000);
const ROUNDS_LOCKED = scaled(8000);
const SCALE_NATIVE = scaled(400);
const SCALE_QEMU = scaled(200);
const SCALE_CACHEGRIND = scaled(30);

/** Seconds, and all instructions that the machine executed, kernel and idle loops among them. */
async function runBox(machine, workers, words, program = image) {
  const append = `-- ${words}`;
  const box = await Machine.create({ image: program, machine, workers, append });
  const { exit, hostSeconds, instructions, reason } = await box.run();
  box.close();
  if (exit !== 0) throw new Error(`${words} on ${machine}: exit ${exit} ${reason ?? ""}`);
  return { seconds: hostSeconds, all: Number(instructions) };
}

const onBox = (machine, workers, scale, copies) => ({
  copies,
  scale,
  workers,
  run: (passes) => runBox(machine, workers, `bench copies=${copies} scale=${passes}`),
});

/** All CPUs of clovertown, `rounds` each. */
const meeting = (workers, words, rounds) => ({
  scale: rounds,
  workers,
  run: (n) => runBox("clovertown", workers, `contend ${words} n=${n}`, "contend"),
});

function onHost(words, scale) {
  const run = (passes) => {
    const [command, ...rest] = [...words, image, "copies=1", `scale=${passes}`];
    const start = performance.now();
    const { status } = spawnSync(command, rest, { stdio: "ignore" });
    return status === 0 ? { seconds: (performance.now() - start) / 1000 } : undefined;
  };
  return { copies: 1, scale, run };
}

/**
 * Instructions of the passes of one copy at scale 1, and who counted them: cachegrind, exactly; or,
 * without it, the box, to which the kernel's ticks meanwhile add a little.
 */
async function countInstructions() {
  const count = (scale) => {
    const words = ["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", image];
    const { status, stderr } =
      spawnSync("valgrind", [...words, "copies=1", `scale=${scale}`], { encoding: "utf8" });
    const found = status === 0 ? stderr.match(/I +refs: +([\d,]+)/) : null;
    return found ? Number(found[1].replaceAll(",", "")) : undefined;
  };
  const [none, one] = [count(0), count(1)];
  if (none !== undefined && one !== undefined) return { each: one - none, by: "cachegrind" };
  const [first, second] = [await countOnBox(0), await countOnBox(1)];
  return { each: second.all - first.all, by: "the box" };
}

const countOnBox = (scale) => runBox("uni1", 1, `bench scale=${scale}`);

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

const probe = new BarrierProbe();

/** A run less its start-up. */
async function measure({ run, scale, copies, workers = 1 }) {
  const barriers = [];
  const probed = async () => {
    if (workers !== 1) barriers.push(await probe.measure());
  };
  await probed();
  const before = cpuSeconds();
  const start = performance.now();
  const startUp = await run(0);
  const whole = startUp && (await run(scale));
  const wall = (performance.now() - start) / 1000;
  const after = cpuSeconds();
  await probed();
  if (!whole) return undefined;
  const barrier = barriers.length > 0 ? Math.max(...barriers) : undefined;
  const foreign = before ? after.all - before.all - (after.own - before.own) : 0;
  const seconds = whole.seconds - startUp.seconds;
  const instructions = copies ? each * scale * copies : whole.all - startUp.all;
  return {
    seconds, instructions,
    startUp: startUp.seconds,
    mips: instructions / seconds / 1e6,
    besides: copies && whole.all ? (whole.all - startUp.all) / instructions - 1 : undefined,
    barrier,
    noisy: foreign > FOREIGN_MAX * wall || (barrier ?? 0) > BARRIER_US_MAX,
  };
}

const subjects = [
  { name: "box uni1, 1 worker", key: "one", work: onBox("uni1", 1, SCALE_ONE, 1) },
  {
    name: "box clovertown, 8 CPUs, 1 worker",
    key: "eight1",
    work: onBox("clovertown", 1, SCALE_EIGHT, 8),
  },
  {
    name: "box clovertown, 8 CPUs, 2 workers",
    key: "eight2",
    work: onBox("clovertown", 2, SCALE_EIGHT, 8),
  },
  {
    name: "box illumos32, 32 CPUs, 1 worker",
    key: "many1",
    work: onBox("illumos32", 1, SCALE_MANY, 32),
  },
  {
    name: "box illumos32, 32 CPUs, 2 workers",
    key: "many2",
    work: onBox("illumos32", 2, SCALE_MANY, 32),
  },
  {
    name: "5 % shared, 8 CPUs, 1 worker",
    key: "shared1",
    work: meeting(1, "share=5", ROUNDS_SHARED),
  },
  {
    name: "5 % shared, 8 CPUs, auto",
    key: "sharedAuto",
    work: meeting("auto", "share=5", ROUNDS_SHARED),
  },
  { name: "one lock, 8 CPUs, 1 worker", key: "lock1", work: meeting(1, "lock=1", ROUNDS_LOCKED) },
  {
    name: "one lock, 8 CPUs, auto",
    key: "lockAuto",
    work: meeting("auto", "lock=1", ROUNDS_LOCKED),
  },
  {
    name: "box skylake-sp, 1 copy, 1 worker",
    key: "wide1",
    work: onBox("skylake-sp", 1, SCALE_ONE, 1),
  },
  {
    name: "box skylake-sp, 32 copies, 1 w.",
    key: "wide32",
    work: onBox("skylake-sp", 1, SCALE_MANY, 32),
  },
  {
    name: "box skylake-sp, 64 copies, 1 w.",
    key: "wide64",
    work: onBox("skylake-sp", 1, SCALE_MANY, 64),
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

const { each, by } = await countInstructions();
const turns = [];
// Ctrl-C ends it with the turns that are complete.
let interrupted = false;
process.on("SIGINT", () => (interrupted = true));
while (turns.length < RUNS && !interrupted) {
  const turn = {};
  for (const { name, key, work } of subjects) {
    if (interrupted) break;
    process.stderr.write(`turn ${turns.length + 1} of ${RUNS}: ${name}\n`);
    turn[key] = await measure(work);
  }
  if (!interrupted) turns.push(turn);
}
await Machine.shutdown();
await probe.close();

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const taken = (key) => turns.map((turn) => turn[key]).filter((result) => result !== undefined);

if (turns.length === 0) process.exit(130);
console.log(`bench, full timing, medians of ${turns.length}; ` +
  `${availableParallelism()} host cores; ` +
  `${(each / 1e6).toFixed(3)} million instructions a copy at scale 1 (counted by ${by})`);
const columns = [
  "M instr.", "start-up", "seconds", "MIPS", "of qemu", "besides", "barrier us", "noisy",
];
const COLUMN = 11;
const row = (name, cells) =>
  name.padEnd(34) + cells.map((cell) => cell.padStart(COLUMN)).join("");
console.log(row("", columns));
for (const { name, key } of subjects) {
  const results = taken(key);
  if (results.length === 0) {
    console.log(row(name, ["", "", "", "absent"]));
    continue;
  }
  const of = (field) => median(results.map((result) => result[field]));
  const ratio = ratioOf(key, "qemu");
  console.log(row(name, [
    (of("instructions") / 1e6).toFixed(0),
    of("startUp").toFixed(3),
    of("seconds").toFixed(3),
    of("mips").toFixed(1),
    ratio === undefined ? "" : ratio.toFixed(4),
    of("besides") === undefined ? "" : `${(100 * of("besides")).toFixed(1)} %`,
    of("barrier") === undefined ? "" : of("barrier").toFixed(2),
    `${results.filter((result) => result.noisy).length}/${results.length}`,
  ]));
}
console.log("besides: what kernel and idle CPUs executed during the passes; in no other column");

/** Within one turn, by default of the MIPS. */
function ratioOf(key, other, of = (a, b) => a.mips / b.mips) {
  const pairs = turns.filter((turn) => turn[key] && turn[other]);
  if (pairs.length === 0) return undefined;
  return median(pairs.map((turn) => of(turn[key], turn[other])));
}

const faster = (a, b) => b.seconds / a.seconds;
/** Host time per guest instruction. */
const dearer = (a, b) => b.mips / a.mips;
const ratios = [
  ["one CPU against qemu-x86_64", "one", "qemu", 0.026],
  ["eight CPUs, two workers over one", "eight2", "eight1", 1.4],
  ["eight CPUs, two workers, against qemu-x86_64", "eight2", "qemu", 0.04],
  ["32 CPUs, two workers over one", "many2", "many1", 1.7],
  ["5 % of the accesses shared, auto over one worker", "sharedAuto", "shared1", 1, faster],
  ["one hammered lock, auto over one worker", "lockAuto", "lock1", 1, faster],
  ["host time per instruction, 32 cores over 1", "wide32", "wide1", "at most 1.5", dearer],
  ["host time per instruction, 64 CPUs over 1", "wide64", "wide1", "at most 1.5", dearer],
];
for (const [what, key, other, target, of] of ratios) {
  const ratio = ratioOf(key, other, of);
  const text = ratio === undefined ? "not measured" : ratio.toFixed(3);
  const noisy = [key, other].some((name) => taken(name).some((result) => result.noisy));
  console.log(`${what}: ${text} (target ${target})${noisy ? ", noisy" : ""}`);
}
const { caseLines } = await import("./bench-cases.mjs");
if (!interrupted) for (const line of await caseLines(RUNS)) console.log(line);
if (taken("qemu").length === 0) console.log("qemu-x86_64: apt-get install qemu-user");
if (taken("cachegrind").length === 0) console.log("cachegrind: apt-get install valgrind");
