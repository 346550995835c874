// Builds the guest images from workloads/ with gcc into workloads/prebuilt/, with a manifest that
// says what they were made from. The same compiler makes the same bytes anywhere: paths are
// mapped away, inputs sorted, no build id. Usage: node scripts/build-guest.mjs [OUTPUT-FOLDER]
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const workloads = join(dirname(fileURLToPath(import.meta.url)), "..", "workloads");
const output = resolve(process.argv[2] ?? join(workloads, "prebuilt"));

const FLAGS = [
  "-std=gnu11", "-O2", "-g", "-ffreestanding", "-mgeneral-regs-only", "-mno-red-zone",
  "-fno-strict-aliasing", "-fno-omit-frame-pointer", "-fno-pic", "-fno-pie", "-fno-stack-protector",
  "-fcf-protection=none", "-fno-asynchronous-unwind-tables", "-Wall", "-Wextra", "-Werror",
  "-Wno-sign-compare", "-Iinclude", `-ffile-prefix-map=${resolve(workloads)}=.`,
];
const LINK = ["-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none", "-Wl,-z,noexecstack"];
const KERNEL_FLAGS = ["-mcmodel=kernel"];
const KERNEL_LINK = ["-Wl,-z,max-page-size=4096", "-Wl,-T,kernel/kernel.ld"];

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

function gcc(...args) {
  execFileSync("gcc", args.flat(), { cwd: workloads, stdio: ["ignore", "inherit", "inherit"] });
}

function compile(scratch, sources, flags) {
  return sources.map((source) => {
    const object = join(scratch, `${source.replaceAll("/", "-")}.o`);
    gcc(FLAGS, flags, "-c", source, "-o", object);
    return object;
  });
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

function build(scratch) {
  const kernel = compile(scratch, filesBelow("kernel", /\.[cS]$/), KERNEL_FLAGS);
  const images = new Map([["kernel", join(scratch, "kernel.elf")]]);
  gcc(LINK, KERNEL_LINK, "-o", images.get("kernel"), kernel);
  for (const source of [...filesBelow("user", /\.c$/), ...filesBelow("micro", /\.c$/)]) {
    const name = basename(source, ".c");
    images.set(name, join(scratch, `${name}.elf`));
    gcc(LINK, "-o", images.get(name), compile(scratch, [source], []));
  }
  return images;
}

const scratch = mkdtempSync(join(tmpdir(), "smpbox-guest-"));
try {
  const sources = ["include", "kernel", "user", "micro"]
    .flatMap((folder) => filesBelow(folder, /\.(c|h|S|ld)$/))
    .sort();
  const manifest = {
    compiler: versionOf("gcc"),
    linker: versionOf("ld"),
    flags: FLAGS.filter((flag) => !flag.startsWith("-ffile-prefix-map")).join(" "),
    sources: sha256(...sources.flatMap((file) => [file, "\0", sourceOf(file), "\0"])),
    images: {},
  };
  mkdirSync(output, { recursive: true });
  for (const [name, path] of [...build(scratch)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const file = readFileSync(path);
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
