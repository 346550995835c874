// The processor underneath as an oracle: builds silicon.c with gcc and runs batches of single
// instructions.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { States } from "./state.ts";

/** Path of the harness, or a reason why there is none. */
export function buildSilicon(): { program: string } | { reason: string } {
  if (process.arch !== "x64" || process.platform !== "linux") return { reason: "not x86-64 Linux" };
  // AMD's differ in flags and upper halves that are undefined, and in far transfers.
  const vendor = /^vendor_id\s*: (.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1];
  if (vendor !== "GenuineIntel") return { reason: `the core is Intel's, this host ${vendor}` };
  if (spawnSync("gcc", ["--version"]).status !== 0) return { reason: "no gcc" };
  const program = join(mkdtempSync(join(tmpdir(), "smpbox-silicon-")), "silicon");
  const source = fileURLToPath(new URL("silicon.c", import.meta.url));
  const built = spawnSync("gcc", [
    "-O1", "-mfsgsbase", "-mgeneral-regs-only", "-fno-stack-protector", "-o", program, source,
  ]);
  if (built.status !== 0) return { reason: "gcc failed" };
  const tried = spawnSync(program, { input: "" });
  return tried.status === 0 ? { program } : { reason: String(tried.stderr).trim() };
}

/** What the processor makes of each state. */
export function runSilicon(program: string, cases: States): States {
  const output = execFileSync(program, {
    input: cases.bytes, maxBuffer: cases.bytes.length + 4096,
  });
  if (output.length !== cases.bytes.length) throw new Error("the silicon harness died");
  return new States(cases.count, new Uint8Array(output)); // a copy: aligned
}
