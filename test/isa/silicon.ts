// The processor underneath as an oracle: builds silicon.c with gcc and runs batches of single
// instructions.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Fixed addresses of silicon.c, below the emulated machine's 16 MiB. */
export const SILICON_CODE = 0xa00040;
export const SILICON_DATA = 0xb00000;
export const DATA_BYTES = 512;

export interface Case {
  code: number[];
  /** In encoding order. */
  regs: bigint[];
  flags: bigint;
  data: Uint8Array;
}

export interface Outcome {
  regs: bigint[];
  flags: bigint;
  data: Uint8Array;
  /** 0, or the signal that the instruction ended in. */
  signal: number;
}

const STATE_BYTES = 8 * 16 + 8 * 4 + 16 + DATA_BYTES;

/** Path of the harness, or a reason why there is none. */
export function buildSilicon(): { program: string } | { reason: string } {
  if (process.arch !== "x64" || process.platform !== "linux") return { reason: "not x86-64 Linux" };
  if (spawnSync("gcc", ["--version"]).status !== 0) return { reason: "no gcc" };
  const program = join(mkdtempSync(join(tmpdir(), "silicon-")), "silicon");
  const source = fileURLToPath(new URL("silicon.c", import.meta.url));
  const built = spawnSync("gcc", ["-O1", "-o", program, source]);
  return built.status === 0 ? { program } : { reason: "gcc failed" };
}

export function runSilicon(program: string, cases: readonly Case[]): Outcome[] {
  const input = new DataView(new ArrayBuffer(STATE_BYTES * cases.length));
  cases.forEach((c, index) => {
    const at = index * STATE_BYTES;
    c.regs.forEach((value, i) => input.setBigUint64(at + 8 * i, value, true));
    input.setBigUint64(at + 128, c.flags, true);
    input.setBigUint64(at + 152, BigInt(c.code.length), true);
    const bytes = new Uint8Array(input.buffer);
    bytes.set(c.code, at + 160);
    bytes.set(c.data, at + 176);
  });
  const output = execFileSync(program, {
    input: new Uint8Array(input.buffer), maxBuffer: STATE_BYTES * cases.length + 4096,
  });
  const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
  return cases.map((_, index) => {
    const at = index * STATE_BYTES;
    return {
      regs: Array.from({ length: 16 }, (_unused, i) => view.getBigUint64(at + 8 * i, true)),
      flags: view.getBigUint64(at + 128, true),
      signal: Number(view.getBigUint64(at + 144, true)),
      data: new Uint8Array(output.subarray(at + 176, at + 176 + DATA_BYTES)),
    };
  });
}
