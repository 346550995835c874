// npm run soak: the fixed kernel under load. 32 CPUs, 30 disks with sectors that fail or time out,
// asynchronous reads and writes whose every byte is checked (workloads/user/aiostress.c). At the
// end nothing may be lost or asleep, and no AIO context may be left. Ctrl-C ends it early.
//
//     npm run soak -- [--requests N] [--model uniform:15-40] [--machine illumos32] [--seed S]
//                     [--workers N|auto] [--boot "v002=bug", to see it fail]
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), "dist", "src");
const { Machine } = await import(join(dist, "index.js"));
const { parseDisks } = await import(join(dist, "machine", "disks.js"));

const DISKS = 30;
/** The regions that are used end at sector 2048. */
const ERRORS = ["error=both:512-519", "7:error=write:64-67:timeout", "11:error=read:1024-1055"];
const PROGRESS_MS = 10_000;
/** Far more than a request takes on the slowest disks. */
const CYCLES_REQUEST = 10_000_000n;
const BOOT_CYCLES = 1_000_000_000n;
const EXIT_INTERRUPTED = 130;
const EXIT_USAGE = 2;

function usage(message) {
  process.stderr.write(`${message}\n`);
  process.exit(EXIT_USAGE);
}

function optionsOf() {
  try {
    return parseArgs({
      options: {
        requests: { type: "string", default: "1000000" },
        model: { type: "string", default: "uniform:15-40" },
        machine: { type: "string", default: "illumos32" },
        seed: { type: "string", default: "1" },
        workers: { type: "string", default: "auto" },
        boot: { type: "string", default: "" },
      },
    }).values;
  } catch (error) {
    return usage(error.message);
  }
}

const { model, machine, boot, ...texts } = optionsOf();
const whole = (name) => /^[1-9]\d{0,8}$/.test(texts[name]) ? Number(texts[name])
  : usage(`--${name} ${texts[name]}: a whole number from 1`);
const requests = whole("requests");
const seed = BigInt(whole("seed"));
const workers = texts.workers === "auto" ? "auto" : whole("workers");

const cancel = new AbortController();
process.once("SIGINT", () => cancel.abort());
process.once("SIGTERM", () => cancel.abort());

const box = await Machine.create({
  machine, seed, workers, image: "aiostress",
  append: `${boot} -- aiostress requests=${requests}`,
  disks: parseDisks(DISKS, `model=${model}`, ...ERRORS), irqPolicy: "round-robin",
  maxCycles: BOOT_CYCLES + BigInt(requests) * CYCLES_REQUEST,
}).catch((error) => usage(error.message));

let told = performance.now();
let text = "";
const result = await box.run({
  signal: cancel.signal,
  onConsole: (bytes) => (text += new TextDecoder().decode(bytes)),
  onProgress(now, instructions) {
    if (performance.now() - told < PROGRESS_MS) return;
    told = performance.now();
    const done = Number(box.debugBlock()?.counters().completions ?? 0n);
    const share = ((100 * done) / requests).toFixed(1);
    process.stderr.write(`${done} requests (${share} %), ${Number(now) / 1e6 | 0} M cycles, ` +
      `${Number(instructions) / 1e6 | 0} M instructions\n`);
  },
});

const block = box.debugBlock();
const completions = Number(block?.counters().completions ?? 0n);
const contexts = block?.kioctxs().length ?? -1;
const [, done = 0, bytes = 0, errors = 0] =
  /aiostress: (\d+) requests, (\d+) bytes verified or written, (\d+) errors/.exec(text) ?? [];
const complaints = [
  [result.exit !== 0, `exit ${result.exit}: ${result.reason ?? text.trim().split("\n").at(-1)}`],
  [Number(done) !== requests, `${done} of ${requests} requests came back to the program`],
  [completions !== requests, `${completions} completions in the kernel`],
  [contexts !== 0, `${contexts} AIO contexts are left`],
  [Number(errors) === 0, "no error came through, although sectors fail"],
].filter(([wrong]) => wrong).map(([, what]) => what);
const seconds = result.hostSeconds;
const time = `${Math.floor(seconds / 60)} min ${(seconds % 60).toFixed(0)} s`;
box.close();
await Machine.shutdown();

if (cancel.signal.aborted) {
  process.stderr.write(`interrupted after ${completions} of ${requests} requests, ${time}\n`);
  process.exitCode = EXIT_INTERRUPTED;
} else {
  const end = complaints.length ? `FAILED: ${complaints.join("; ")}`
    : "nothing lost, nothing hung, all AIO contexts destroyed";
  process.stdout.write([
    `${machine}, ${DISKS} disks ${model}, seed ${seed}: ${done} requests, ${bytes} bytes ` +
      `verified or written, ${errors} errors`,
    `${time}, ${result.mips.toFixed(1)} MIPS on ${result.workers} workers, ` +
      `${(completions / seconds).toFixed(0)} requests/s`,
    end, "",
  ].join("\n"));
  process.exitCode = complaints.length ? 1 : 0;
}
