// Compiles a test's own entry file with asc and instantiates it on a memory of 4 MiB.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../src/core/root.ts";

export interface Compiled {
  module: WebAssembly.Module;
  exports: WebAssembly.Exports;
  view: DataView;
}

const PAGES = 64;

/**
 * `entry` is a path from the top of the repository. `fileBlock`: the 4 KiB of a block of the file
 * behind a disk.
 */
export function compileEntry(
  entry: string, fileBlock?: (disk: number, block: number) => Uint8Array,
): Compiled {
  const root = packageRoot();
  const folder = mkdtempSync(join(tmpdir(), "smpbox-asc-"));
  try {
    // A configuration of its own: asc would merge the one at the top.
    writeFileSync(join(folder, "asconfig.json"), "{}");
    const out = join(folder, "out.wasm");
    const asc = join(root, "node_modules", "assemblyscript", "bin", "asc.js");
    const words = [
      entry, "--config", join(folder, "asconfig.json"), "-o", out, "--runtime", "stub",
      "--enable", "threads", "--importMemory", "--sharedMemory", "--memoryBase", "1024",
      "--initialMemory", `${PAGES}`, "--maximumMemory", `${PAGES}`, "--use", "ENGINE=0",
    ];
    const { status, stderr } = spawnSync(process.execPath, [asc, ...words], {
      cwd: root,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(stderr);
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
    const abort = () => {
      throw new Error("abort");
    };
    const diskRead = (disk: number, block: number, address: number) =>
      new Uint8Array(memory.buffer).set(fileBlock ? fileBlock(disk, block) : abort(), address);
    const module = new WebAssembly.Module(readFileSync(out));
    const { exports } = new WebAssembly.Instance(module, {
      env: { memory, abort }, host: { diskRead },
    });
    return { module, exports, view: new DataView(memory.buffer) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
