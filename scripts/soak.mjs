// npm run soak: the fixed kernel under load. 32 CPUs, 30 disks with sectors that fail or time out,
// asynchronous reads and writes whose every byte is checked (workloads/user/aiostress.c). The
// requests that touch such a sector must fail, and no others; at the end nothing may be lost or
// asleep, and no AIO context may be left. Ctrl-C ends it early.
//
//     npm run soak -- [--requests N] [--model uniform:15-40] [--machine illumos32] [--seed S]
//                     [--files N, on the first disk]
//                     [--pulled [DISK:]COMMAND,..., at which a drive is gone; DISK from 1, or 17]
//                     [--workers N|auto] [--boot "v002=bug", to see it fail]
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), "dist", "src");
const { Machine } = await import(join(dist, "index.js"));
const { parseDisks } = await import(join(dist, "machine", "disks.js"));
const { kernelGuest } = await import(join(dist, "report", "core-dump.js"));

const DISKS = 30;
/** Of raw disks, "*" is each; the regions that are used end at sector 2048. */
const ERRORS = [
  { disk: "*", direction: "both", first: 512, last: 519 },
  { disk: 7, direction: "write", first: 64, last: 67, kind: ":timeout" },
  { disk: 11, direction: "read", first: 1024, last: 1055 },
];
/** Of files: even ones by O_DIRECT; odd ones through the page cache, where a page fails as one. */
const FILE_ERRORS = [
  { file: 0, direction: "both", first: 512, last: 519 },
  { file: 1, direction: "both", first: 1024, last: 1031 },
  { file: 2, direction: "write", first: 64, last: 67 },
  { file: 4, direction: "read", first: 1024, last: 1055 },
];
/** In sectors: the file system's journal, and what is reserved for a file when it is made. */
const JOURNAL = 1024 * 8;
const RESERVED = 4096 * 8;
/** The raw disk that is pulled unless another is named. */
const PULLED = 17;
const LETTERS = { both: "rw", read: "r", write: "w" };
const PROGRESS_MS = 10_000;
/** Far more than a request takes on the slowest disks. */
const CYCLES_REQUEST = 10_000_000n;
const BOOT_CYCLES = 1_000_000_000n;
/** To make a file on a sas15k. */
const CYCLES_FILE = 5_000_000_000n;
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
        files: { type: "string", default: "0" },
        pulled: { type: "string", default: "" },
        boot: { type: "string", default: "" },
      },
    }).values;
  } catch (error) {
    return usage(error.message);
  }
}

const { model, machine, boot, ...texts } = optionsOf();
const number = (name, from = 0) => /^\d{1,9}$/.test(texts[name]) && Number(texts[name]) >= from
  ? Number(texts[name]) : usage(`--${name} ${texts[name]}: a whole number from ${from}`);
const whole = (name) => number(name, 1);
const requests = whole("requests");
const seed = BigInt(whole("seed"));
const files = number("files");
const pulled = pulledOf(texts.pulled);
const workers = texts.workers === "auto" ? "auto" : whole("workers");

/** Drives that go, and at which command. The first disk has the file system. */
function pulledOf(text) {
  const drives = text.split(",").filter(Boolean).map((word) => {
    const [, disk = PULLED, command] = /^(?:(\d{1,2}):)?([1-9]\d{0,8})$/.exec(word) ?? [];
    if (command && disk >= 1 && disk < DISKS) return { disk: Number(disk), command };
    return usage(`--pulled ${text}: write COMMAND or DISK:COMMAND, with a comma between two; ` +
      `DISK is 1 to ${DISKS - 1}`);
  });
  const twice = drives.find(({ disk }, i) => drives.findIndex((one) => one.disk === disk) < i);
  if (!twice) return drives;
  return usage(`--pulled ${text}: disk ${twice.disk} is named twice, and a drive goes once: ` +
    "name each disk once");
}

/** The same errors for the disks, and for the program: its first disks are files. */
function injected() {
  const disks = [];
  const bad = [];
  const programs = (disk) => (disk === "*" || !files ? disk : disk - 1 + files);
  for (const { disk, direction, first, last, kind = "" } of ERRORS) {
    const words = `error=${direction}:${first}-${last}${kind}`;
    // The first disk has the file system, if there are files.
    if (disk !== "*") disks.push(`${disk}:${words}`);
    else for (let i = files ? 1 : 0; i < DISKS; i++) disks.push(`${i}:${words}`);
    bad.push(`${programs(disk)}:${LETTERS[direction]}:${first}-${last}`);
  }
  for (const { file, direction, first, last } of FILE_ERRORS.filter(({ file }) => file < files)) {
    const start = JOURNAL + file * RESERVED;
    disks.push(`0:error=${direction}:${start + first}-${start + last}`);
    bad.push(`${file}:${LETTERS[direction]}:${first}-${last}`);
  }
  for (const { disk, command } of pulled) disks.push(`${disk}:gone=${command}`);
  const gone = pulled.map(({ disk }) => programs(disk));
  return { disks, words: `bad=${bad}${gone.length ? ` pulled=${gone}` : ""}` };
}

const errors = injected();
const targets = files ? DISKS - 1 + files : DISKS;
const cancel = new AbortController();
process.once("SIGINT", () => cancel.abort());
process.once("SIGTERM", () => cancel.abort());

const box = await Machine.create({
  machine, seed, workers, image: "aiostress",
  append: `${files ? "fs=1" : ""} ${boot} -- aiostress disks=${targets} files=${files} ` +
    `requests=${requests} ${errors.words}`,
  disks: parseDisks(DISKS, `model=${model}`, ...errors.disks), irqPolicy: "round-robin",
  maxCycles: BOOT_CYCLES + BigInt(files) * CYCLES_FILE + BigInt(requests) * CYCLES_REQUEST,
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

/**
 * A context whose delayed work (aio/retry.c of the kernel) is still to come, up to 100 ms after the
 * last request, goes with that: it is dead, and nobody else has it.
 */
function goesWithItsWork({ address }) {
  const guest = kernelGuest(box);
  const context = { lin: address, type: guest.types.find("kioctx") };
  const fields = { "dead": 1n, "users.counter": 1n, "reqs_active": 0n, "wq.work.pending": 1n };
  return Object.entries(fields).every(([path, value]) => guest.value(context, path) === value);
}

const block = box.debugBlock();
const completions = Number(block?.counters().completions ?? 0n);
const left = block?.kioctxs() ?? [];
const waiting = left.filter(goesWithItsWork).length;
const contexts = block ? left.length - waiting : -1;
const [, done = 0, bytes = 0, gone = 0, failed = 0] =
  /: (\d+) requests, (\d+) bytes verified or written, (\d+) drives gone, (\d+) errors/
    .exec(text) ?? [];
const complaints = [
  [result.exit !== 0, `exit ${result.exit}: ${result.reason ?? text.trim().split("\n").at(-1)}`],
  [Number(done) !== requests, `${done} of ${requests} requests came back to the program`],
  [completions !== requests, `${completions} completions in the kernel`],
  [Number(gone) !== pulled.length, `${gone} of ${pulled.length} drives were seen to go`],
  [contexts !== 0, `${contexts} AIO contexts are left`],
  [Number(failed) === 0, "no error came through, although sectors fail"],
].filter(([wrong]) => wrong).map(([, what]) => what);
const seconds = result.hostSeconds;
const time = `${Math.floor(Math.round(seconds) / 60)} min ${Math.round(seconds) % 60} s`;
const pace = `${result.mips.toFixed(1)} MIPS on ${result.workers === 1 ? "one worker"
  : `${result.workers} workers`}, ${(completions / seconds).toFixed(0)} requests/s`;
box.close();
await Machine.shutdown();

if (cancel.signal.aborted) {
  process.stderr.write(`interrupted after ${completions} of ${requests} requests, ${time}\n`);
  process.exitCode = EXIT_INTERRUPTED;
} else {
  const end = complaints.length ? `FAILED: ${complaints.join("; ")}`
    : "nothing lost, nothing hung, all AIO contexts destroyed" +
      (waiting ? ` (${waiting} of them when their delayed work comes)` : "");
  process.stdout.write([
    `${machine}, ${DISKS} disks ${model}, ${files ? `${files} files, ` : ""}seed ${seed}: ` +
      `${done} requests, ${bytes} bytes verified or written, ${failed} errors`,
    `${time}, ${pace}`,
    end, "",
  ].join("\n"));
  process.exitCode = complaints.length ? 1 : 0;
}
