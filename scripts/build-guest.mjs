// Builds the guest images from workloads/ with gcc into workloads/prebuilt/, with a manifest that
// says what they were made from. The same compiler makes the same bytes anywhere: paths are
// mapped away, inputs sorted, no build id.
// Usage: node scripts/build-guest.mjs [OUTPUT-FOLDER [IMAGE...]]
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const workloads = join(dirname(fileURLToPath(import.meta.url)), "..", "workloads");
const output = resolve(process.argv[2] ?? join(workloads, "prebuilt"));
const wanted = process.argv.slice(3);

const FLAGS = [
  "-std=gnu11", "-O2", "-g", "-ffreestanding", "-mgeneral-regs-only", "-mno-red-zone",
  "-fno-strict-aliasing", "-fno-omit-frame-pointer", "-fno-pic", "-fno-pie", "-fno-stack-protector",
  "-fcf-protection=none", "-fno-asynchronous-unwind-tables", "-Wall", "-Wextra", "-Werror",
  "-Wno-sign-compare", "-Iinclude", `-ffile-prefix-map=${resolve(workloads)}=.`,
];
const LINK = ["-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none", "-Wl,-z,noexecstack"];
/** Functions can be timed under the harness, which has the memory below. */
const ABOVE_HARNESS = ["-Wl,-Ttext-segment=0x2000000"];
/** Two variants may be the same code: each stays a copy of its own. */
const KERNEL_FLAGS = ["-mcmodel=kernel", "-fno-ipa-icf"];
const KERNEL_LINK = ["-Wl,-z,max-page-size=4096", "-Wl,-T,kernel/kernel.ld"];
/** What `smpbox cflags` prints, but for the level: the programs are built as a user builds his. */
const PROGRAM_FLAGS = [
  "-static", "-no-pie", "-nostdlib", "-ffreestanding", "-mgeneral-regs-only",
  "-fno-stack-protector", "-fcf-protection=none", "-Iinclude",
];
const PROGRAM_LEVELS = ["-O0", "-O1", "-O2", "-O3", "-Os"];
/** What the system test and the harness have of the kernel: the way in, ACPI, the console. */
const SHARED_WITH_KERNEL = [
  "kernel/boot/acpi.c", "kernel/boot/params.c", "kernel/boot/start.S", "kernel/core/printk.c",
  "kernel/core/string.c",
];

const versionOf = (command) =>
  execFileSync(command, ["--version"], { encoding: "utf8" }).split("\n")[0];
const sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};

/** Files below `folder` of workloads/ that match, sorted, with forward slashes. */
function filesBelow(folder, pattern) {
  return readdirSync(join(workloads, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => relative(workloads, join(entry.parentPath ?? entry.path, entry.name)))
    .map((file) => file.replaceAll("\\", "/"))
    .sort();
}

const sourceOf = (file) => readFileSync(join(workloads, file));

let running = 0;
const waiting = [];

/** Runs gcc, as many at a time as there are processors. */
async function gcc(...args) {
  if (running === availableParallelism()) await new Promise((resume) => waiting.push(resume));
  else running++;
  try {
    const { stderr } = await promisify(execFile)("gcc", args.flat(), { cwd: workloads });
    process.stderr.write(stderr);
  } catch ({ stderr, message }) {
    process.stderr.write(stderr ?? message);
    process.exit(1);
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}

/** Objects of the sources, in their order. */
function compile(scratch, sources, flags) {
  return Promise.all(sources.map(async (source) => {
    const object = join(scratch, `${source.replaceAll("/", "-")}.o`);
    await gcc(FLAGS, flags, "-c", source, "-o", object);
    return object;
  }));
}

/** Sections of an ELF64 file by name. */
function sectionsOf(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const table = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  const header = (index) => {
    const at = table + index * 64;
    return {
      name: view.getUint32(at, true),
      offset: Number(view.getBigUint64(at + 24, true)),
      bytes: Number(view.getBigUint64(at + 32, true)),
    };
  };
  const names = header(view.getUint16(62, true));
  const sections = new Map();
  for (let i = 1; i < count; i++) {
    const { name, offset, bytes } = header(i);
    const start = names.offset + name;
    sections.set(text(file, start, 64), file.subarray(offset, offset + bytes));
  }
  return sections;
}

/** The zero-terminated text at `start`. */
function text(file, start, limit) {
  const bytes = file.subarray(start, start + limit);
  const end = bytes.indexOf(0);
  return String.fromCharCode(...bytes.subarray(0, end < 0 ? limit : end));
}

/** The records of include/smpbox.h in address order. */
function marksOf(file) {
  const section = sectionsOf(file).get(".smpbox.marks");
  if (!section) return [];
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  const marks = [];
  for (let at = 0; at < section.length; at += 32) {
    const displacement = view.getUint32(at + 8, true);
    marks.push({
      address: `0x${view.getBigUint64(at, true).toString(16)}`,
      kind: (displacement >> 16) & 0xff,
      id: displacement & 0xffff,
      name: text(section, at + 16, 16),
    });
  }
  return marks.sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
}

async function buildKernel(scratch, name, sources) {
  const folder = join(scratch, name);
  mkdirSync(folder);
  const objects = await compile(folder, sources, KERNEL_FLAGS);
  await gcc(LINK, KERNEL_LINK, "-o", join(scratch, `${name}.elf`), objects);
}

/** Functions for the explore engine, in one image that nothing boots. */
async function buildExplore(scratch, name) {
  const objects = await compile(scratch, filesBelow("explore", /\.c$/), []);
  await gcc(LINK, ABOVE_HARNESS, "-o", join(scratch, `${name}.elf`), objects);
}

async function buildUser(scratch, name, source) {
  await gcc(LINK, "-o", join(scratch, `${name}.elf`), await compile(scratch, [source], []));
}

/** Without symbols, to keep the repository small. */
async function buildPrograms(scratch, name, level) {
  const output = ["-Wl,--build-id=none", "-s", "-o", join(scratch, `${name}.elf`)];
  await gcc(PROGRAM_FLAGS, level, output, filesBelow("programs", /\.c$/));
}

/** How to build each image, by its name. */
function recipes() {
  const system = [...SHARED_WITH_KERNEL, ...filesBelow("system", /\.[cS]$/)];
  const harness = [...SHARED_WITH_KERNEL, ...filesBelow("harness", /\.[cS]$/)];
  const user = [...filesBelow("user", /\.c$/), ...filesBelow("micro", /\.c$/)];
  return new Map([
    ...PROGRAM_LEVELS.map((level) => [
      `programs${level}`,
      (scratch, name) => buildPrograms(scratch, name, level),
    ]),
    ["explore", buildExplore],
    ["kernel", (scratch, name) => buildKernel(scratch, name, filesBelow("kernel", /\.[cS]$/))],
    ["system", (scratch, name) => buildKernel(scratch, name, system)],
    ["harness", (scratch, name) => buildKernel(scratch, name, harness)],
    ...user.map((source) => [
      basename(source, ".c"),
      (scratch, name) => buildUser(scratch, name, source),
    ]),
  ]);
}

const scratch = mkdtempSync(join(tmpdir(), "smpbox-guest-"));
try {
  const sources = ["include", "kernel", "user", "micro", "programs", "system", "explore", "harness"]
    .flatMap((folder) => filesBelow(folder, /\.(c|h|S|ld)$/))
    .sort();
  const manifest = {
    compiler: versionOf("gcc"),
    linker: versionOf("ld"),
    flags: FLAGS.filter((flag) => !flag.startsWith("-ffile-prefix-map")).join(" "),
    programFlags: PROGRAM_FLAGS.join(" "),
    sources: sha256(...sources.flatMap((file) => [file, "\0", sourceOf(file), "\0"])),
    images: {},
  };
  mkdirSync(output, { recursive: true });
  const images = [...recipes()].filter(([name]) => !wanted.length || wanted.includes(name));
  await Promise.all(images.map(([name, build]) => build(scratch, name)));
  for (const [name] of images.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const file = readFileSync(join(scratch, `${name}.elf`));
    manifest.images[name] = { bytes: file.length, sha256: sha256(file), marks: marksOf(file) };
    writeFileSync(join(output, `${name}.elf`), file, { mode: 0o755 });
  }
  // A mark a line.
  const json = JSON.stringify(manifest, null, 2)
    .replace(/\{\s+("address": [^}]*?)\s+\}/g, (_, mark) => `{ ${mark.replace(/\s+/g, " ")} }`);
  writeFileSync(join(output, "manifest.json"), `${json}\n`);
  const list = Object.entries(manifest.images).map(([name, image]) => `${name} ${image.bytes}`);
  process.stdout.write(`${output}: ${list.join(", ")}\n`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
