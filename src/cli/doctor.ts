// smpbox doctor: what this host offers; each missing item with its fix.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { packageRoot } from "../core/root.ts";
import { imageNames } from "../engine/files.ts";
import { EXIT } from "./exit.ts";
import type { Act } from "./main.ts";

interface Finding {
  what: string;
  found: string | undefined;
  /** Only for building and testing, not for running. */
  optional: boolean;
  fix: string;
}

export function doctorVerb(program: Command, act: Act): void {
  program
    .command("doctor")
    .description("check what this host offers")
    .action(() =>
      act(() => {
        const findings = examine();
        for (const { what, found, optional, fix } of findings) {
          const mark = found !== undefined ? "ok     " : optional ? "absent " : "MISSING";
          process.stdout.write(`${mark} ${what}: ${found ?? fix}\n`);
        }
        const broken = findings.some((item) => item.found === undefined && !item.optional);
        return broken ? EXIT.failed : EXIT.held;
      }),
    );
}

function examine(): Finding[] {
  const major = Number(process.versions.node.split(".")[0]);
  const images = existsSync(join(packageRoot(), "workloads", "prebuilt")) ? imageNames() : [];
  return [
    need("Node.js", major >= 20 ? process.versions.node : undefined, "install Node.js 20 or later"),
    need("host cores", `${availableParallelism()}`, ""),
    need("shared memory", sharedMemory() ? "available" : undefined, "start node without --jitless"),
    need("core", built() ? "build/timing.wasm" : undefined, "run npm run build"),
    need("images", images.join(", ") || undefined, "run npm run build:guest (needs gcc)"),
    tool("gcc", "for your own C and for npm run build:guest: apt-get install gcc"),
    tool("qemu-x86_64", "for the comparison in npm run bench: apt-get install qemu-user"),
    tool("valgrind", "for the comparison in npm run bench: apt-get install valgrind"),
  ];
}

function need(what: string, found: string | undefined, fix: string): Finding {
  return { what, found, fix, optional: false };
}

function tool(name: string, fix: string): Finding {
  const { status, stdout } = spawnSync(name, ["--version"], { encoding: "utf8" });
  const found = status === 0 ? stdout.split("\n")[0] : undefined;
  return { what: name, found, fix, optional: true };
}

function built(): boolean {
  return existsSync(join(packageRoot(), "build", "timing.wasm"));
}

function sharedMemory(): boolean {
  try {
    return new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer.byteLength > 0;
  } catch {
    return false;
  }
}
