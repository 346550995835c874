// npm run bench: MIPS of the integer benchmark with full timing, and the same file under
// qemu-x86_64 and natively. Medians of RUNS; a run during which other processes used more than
// FOREIGN_MAX of a core is marked.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { Machine } = await import(join(root, "dist", "src", "index.js"));
const image = join(root, "workloads", "prebuilt", "bench.elf");
const RUNS = 3;
const FOREIGN_MAX = 0.15;
const TICKS_SECOND = 100; // USER_HZ

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

/** CPU seconds of the whole machine, and of this process with the children it has waited for. */
function cpuSeconds() {
  if (!existsSync("/proc/stat")) return undefined;
  const total = readFileSync("/proc/stat", "utf8").split("\n")[0].split(/\s+/).slice(1);
  const [user, nice, system] = total.map(Number);
  const own = readFileSync("/proc/self/stat", "utf8").replace(/^.*\) /, "").split(" ");
  const mine = own.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
  return { all: (user + nice + system) / TICKS_SECOND, own: mine / TICKS_SECOND };
}

/** Runs `work` RUNS times; it returns seconds and instructions, or undefined. */
async function measure(name, work) {
  const results = [];
  let noisy = false;
  for (let i = 0; i < RUNS; i++) {
    const before = cpuSeconds();
    const start = performance.now();
    const result = await work();
    const wall = (performance.now() - start) / 1000;
    const after = cpuSeconds();
    if (result === undefined) return undefined;
    if (before && after) {
      const foreign = after.all - before.all - (after.own - before.own);
      noisy ||= foreign > FOREIGN_MAX * wall;
    }
    results.push(result);
  }
  const seconds = median(results.map((result) => result.seconds));
  const mips = median(results.map((result) => result.instructions / result.seconds / 1e6));
  const rate = Number.isNaN(mips) ? "" : `${mips.toFixed(1)} MIPS`;
  const time = `${seconds.toFixed(3)} s`;
  const line = `${name.padEnd(32)} ${time.padStart(10)} ${rate.padStart(12)}`;
  console.log(noisy ? `${line}  (noisy: the host was busy)` : line);
  return { seconds, mips };
}

async function onBox(machine, workers) {
  const box = await Machine.create({ image, machine, workers });
  const { exit, hostSeconds, instructions, reason } = await box.run();
  box.close();
  if (exit !== 0) throw new Error(`bench on ${machine}: exit ${exit} ${reason ?? ""}`);
  return { seconds: hostSeconds, instructions: Number(instructions) };
}

function onHost(command, words) {
  const start = performance.now();
  const { status } = spawnSync(command, words, { stdio: "ignore" });
  if (status !== 0) return undefined;
  return { seconds: (performance.now() - start) / 1000, instructions: NaN };
}

console.log("cycles are those of an in-order approximation; times are host seconds, medians");
const one = await measure("uni1, 1 worker", () => onBox("uni1", 1));
const eight = await measure("clovertown (8 CPUs), 1 worker", () => onBox("clovertown", 1));
if (availableParallelism() > 1) {
  const two = await measure("clovertown (8 CPUs), 2 workers", () => onBox("clovertown", 2));
  console.log(`two workers over one: ${(eight.seconds / two.seconds).toFixed(2)}`);
}
const qemu = await measure("qemu-x86_64, one copy", () => onHost("qemu-x86_64", [image]));
if (qemu) console.log(`uni1 against qemu-x86_64: ${(qemu.seconds / one.seconds).toFixed(4)}`);
else console.log("qemu-x86_64 is not installed (apt-get install qemu-user) or cannot run the file");
await measure("native, one copy", () => onHost(image, []));
await Machine.shutdown();
