// smpbox doctor: what this host offers, and what each of it is for; each missing item with its fix.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { packageRoot } from "../core/root.ts";
import { imageNames } from "../engine/files.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import type { Act } from "./main.ts";

const NODE_MAJOR_MIN = 20;
const WIDTH = 80;

interface Finding {
  what: string;
  found: string | undefined;
  /** Nothing runs without it; the others are for what `use` says. */
  needed: boolean;
  use: string;
  fix: string;
}

export function doctorVerb(program: Command, act: Act): void {
  program
    .command("doctor")
    .description("check what this host offers, and say what each of it is for")
    .option("--json", "print one JSON document")
    .action((options: { json?: boolean }) =>
      act(() => {
        const findings = examine();
        if (options.json) printJson({ schema: "smpbox-doctor-1", findings });
        else process.stdout.write(findings.map(textOf).join(""));
        const broken = findings.some((item) => item.found === undefined && item.needed);
        return broken ? EXIT.failed : EXIT.held;
      }),
    );
}

function textOf({ what, found, needed, use, fix }: Finding): string {
  const mark = found !== undefined ? "ok" : needed ? "MISSING" : "absent";
  const first = `${mark.padEnd(8)}${what}: ${found ?? fix}`;
  return `${first.slice(0, WIDTH)}\n${" ".repeat(8)}for ${use}\n`;
}

function examine(): Finding[] {
  const major = Number(process.versions.node.split(".")[0]);
  const images = existsSync(join(packageRoot(), "workloads", "prebuilt")) ? imageNames() : [];
  const cores = availableParallelism();
  return [
    need("Node.js", "everything", `install Node.js ${NODE_MAJOR_MIN} or later`,
      major >= NODE_MAJOR_MIN ? process.versions.node : undefined),
    need("shared memory", "every machine: its workers share it",
      "start node without --jitless", sharedMemory() ? "SharedArrayBuffer" : undefined),
    need("WebAssembly threads", "every machine: atomic accesses to that memory",
      "install Node.js 20 or later", wasmThreads() ? "available" : undefined),
    need("host cores", cores > 1 ? "machines on several workers, several runs at once"
      : "runs; with two or more, machines run on several workers", "", `${cores}`),
    need("core", "every machine, and every interleaving", "run npm run build",
      built() ? "build/timing.wasm, build/explore.wasm" : undefined),
    need("images", "cases, litmus tests on a machine, programs of your own",
      "run npm run build:guest (needs gcc)", images.length ? `${images.length} images` : undefined),
    tool("gcc", "C of your own, litmus --engine native, npm run build:guest",
      "apt-get install gcc"),
    tool("gdb", "the files that smpbox core writes", "apt-get install gdb"),
    tool("chromium", "the page's tests in npm test", "apt-get install chromium"),
    tool("qemu-x86_64", "the comparison in npm run bench", "apt-get install qemu-user"),
    tool("valgrind", "the comparison in npm run bench", "apt-get install valgrind"),
  ];
}

function need(what: string, use: string, fix: string, found: string | undefined): Finding {
  return { what, found, use, fix, needed: true };
}

function tool(name: string, use: string, fix: string): Finding {
  const { status, stdout } = spawnSync(name, ["--version"], { encoding: "utf8" });
  const found = status === 0 ? stdout.split("\n")[0].trim() : undefined;
  return { what: name, found, use, fix: `not found; ${fix}`, needed: false };
}

function built(): boolean {
  return ["timing", "explore"].every((name) =>
    existsSync(join(packageRoot(), "build", `${name}.wasm`)));
}

function sharedMemory(): boolean {
  try {
    const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    return buffer instanceof SharedArrayBuffer;
  } catch {
    return false;
  }
}

/** (module (memory 1 1 shared) (func (drop (i32.atomic.load (i32.const 0))))) */
const ATOMIC_LOAD = Uint8Array.of(
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
  0x01, 0x04, 0x01, 0x60, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00, 0x05, 0x04, 0x01, 0x03, 0x01, 0x01,
  0x0a, 0x0b, 0x01, 0x09, 0x00, 0x41, 0x00, 0xfe, 0x10, 0x02, 0x00, 0x1a, 0x0b,
);

function wasmThreads(): boolean {
  return typeof WebAssembly === "object" && WebAssembly.validate(ATOMIC_LOAD);
}
