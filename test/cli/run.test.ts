// smpbox run and compare on the bundled images: results, JSON, exit codes, interruption.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { CpuCounters } from "../../src/core/counters.ts";
import { packageRoot } from "../../src/core/root.ts";
import { elfFile, PT } from "../host/elf-file.ts";
import { readPerfetto } from "../report/perfetto-reader.ts";

const main = join(packageRoot(), "dist", "src", "cli", "main.js");
const folder = mkdtempSync(join(tmpdir(), "smpbox-run-"));
afterAll(() => rmSync(folder, { recursive: true }));

function smpbox(...words: string[]) {
  return spawnSync(process.execPath, [main, ...words], { encoding: "utf8" });
}

describe("run", () => {
  it("puts the guest's console on stdout and its own words on stderr", () => {
    const { status, stdout, stderr } = smpbox("run", "hello", "--machine", "uni1");
    expect(stderr).toMatch(/^exit 0: \d+ cycles \(in-order approximation\)\n\d+ instructions/);
    expect(Math.max(...stderr.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).toContain("hello");
    expect(status).toBe(0);
  });

  it("prints one JSON document, with 64-bit values as hex strings", () => {
    const run = () => smpbox("run", "hello", "--json", "--seed", "7", "--machine", "conroe");
    const { status, stdout } = run();
    const result = JSON.parse(stdout);
    expect(status).toBe(0);
    expect(result).toMatchObject({
      schema: "smpbox-run-1", machine: "conroe", seed: "0x7", exit: 0,
      cycles: expect.stringMatching(/^0x[0-9a-f]+$/),
      instructions: expect.stringMatching(/^0x[0-9a-f]+$/),
      stateHash: expect.stringMatching(/^0x[0-9a-f]+$/),
      hostSeconds: expect.any(Number), mips: expect.any(Number),
      console: expect.stringContaining("hello"),
    });
    expect(JSON.parse(run().stdout).stateHash).toBe(result.stateHash);
  });

  it("gives the same state hash with any number of workers", () => {
    const hashes = ["1", "2", "3"].map((workers) => {
      const { stdout } = smpbox("run", "hello", "--json", "--workers", workers);
      return JSON.parse(stdout).stateHash;
    });
    expect(new Set(hashes).size).toBe(1);
  });

  it("tells the counters, as text and in JSON", () => {
    const words = ["run", "hello", "--machine", "conroe"];
    const { stdout } = smpbox(...words, "--counters");
    expect(stdout).toMatch(/^loads, by where they were served$/m);
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    const { counters, instructions } = JSON.parse(smpbox(...words, "--json").stdout);
    const sum = counters.cpus.reduce((n: number, cpu: CpuCounters) => n + cpu.instructions, 0);
    expect(BigInt(sum)).toBe(BigInt(instructions));
    expect(smpbox(...words).stdout).not.toContain("loads, by");
  });

  it("writes a trace for Perfetto, and finds a bad path before it runs", () => {
    const file = join(folder, "trace.pftrace");
    const words = ["trace", "hello", "--machine", "conroe", "--to", "1000000"];
    const { status, stdout } = smpbox(...words, "-o", file, "--memory", "tso-adv");
    expect(status).toBe(0);
    expect(stdout).toMatch(/trace.pftrace: \d+ records, \d+ bytes; adversarial drains$/m);
    const paths = readPerfetto(readFileSync(file)).map(({ path }) => path);
    expect(paths.some((path) => /adversarial drains > socket 0 > cpu0/.test(path))).toBe(true);
    const wrong = smpbox(...words, "-o", join(folder, "none", "x"));
    expect([wrong.status, wrong.stdout]).toEqual([2, ""]);
    expect(wrong.stderr).toContain("--output");
    expect(smpbox(...words, "-o", file, "--events", "none").status).toBe(2);
  });

  it("says of adversarial drains what they are", () => {
    const words = ["run", "hello", "--machine", "conroe", "--memory", "tso-adv", "--seed", "3"];
    const { status, stderr } = smpbox(...words);
    expect(status).toBe(0);
    expect(stderr).toContain("cycles (in-order approximation; adversarial drains)");
    const { memory, memoryNote } = JSON.parse(smpbox(...words, "--json").stdout);
    expect([memory, memoryNote]).toEqual(["tso-adv", "adversarial drains"]);
    const failed = smpbox(...words, "--max-cycles", "10000").stderr;
    expect(failed).toContain("adversarial drains");
    expect(failed).toMatch(/^reproduce: .* --memory tso-adv/m);
  });

  it("ends with 124 when the budget is used up, and says how to reproduce it", () => {
    const { status, stderr } = smpbox("run", "bench", "--max-cycles", "100000");
    expect(status).toBe(124);
    expect(stderr).toContain("reproduce: smpbox run bench --machine clovertown --seed 1");
  });

  it("ends with 130 on Ctrl-C", async () => {
    // It would take hours.
    const append = "-- w001 W001i s=0 r=2 rounds=100000000";
    const words = [main, "run", "w001", "--append", append, "--progress", "plain"];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "pipe"] });
    await once(child.stderr, "data");
    child.kill("SIGINT");
    const [code] = await once(child, "exit");
    expect(code).toBe(130);
  });
});

it("a measurement ends with 130 on Ctrl-C, and not as if something were wrong", async () => {
  const child = spawn(process.execPath, [main, "validate", "--machine", "conroe"]);
  let told = "";
  child.stderr.on("data", (bytes: Buffer) => (told += bytes.toString()));
  await once(child.stdout, "data");
  child.kill("SIGINT");
  const [code] = await once(child, "exit");
  expect(code).toBe(130);
  expect(told).not.toMatch(/Error|at .*:\d+:\d+/);
}, 60_000);

describe("a run that fails tells what is left", () => {
  it("of a panic: registers, code and callers of every CPU, exit 3", () => {
    const words = ["run", "hello", "--machine", "conroe", "--append", "v001k=99"];
    const { status, stderr } = smpbox(...words);
    expect(status).toBe(3);
    expect(stderr).toContain("the kernel panicked: v001k=99: this kernel has 0 to 13");
    expect(stderr).toMatch(/^cpu0 running at RIP 0x\w+ \(panic\+0x\w+\)$/m);
    expect(stderr).toMatch(/^cpu1 \w+ at RIP/m);
    expect(stderr).toMatch(/^ {2}rax [0-9a-f]{16} {2}rcx [0-9a-f]{16} {2}rdx [0-9a-f]{16}$/m);
    expect(stderr).toMatch(/^ {2}> \w+ {2}out %al,\$0xf4$/m);
    expect(stderr).toMatch(/called from, by frame pointers:\n {4}0x\w+ \(\w+\+0x\w+\)$/m);
    expect(stderr).toContain("reproduce: smpbox run hello --machine conroe --seed 1");
  });

  it("of a program's fault: which, where, at what instruction, exit 1", () => {
    const append = "-- syscheck fault=read";
    const { status, stderr } = smpbox("run", "syscheck", "--machine", "uni1", "--append", append);
    expect(status).toBe(1);
    const text = stderr.replaceAll("\n", " ");
    expect(text).toMatch(/died of #PF, page fault \(error 4, address 0x\w+\) at RIP 0x\w+ \(\w+/);
  });

  it("of SSE: how to build without", () => {
    const code = [0xf2, 0x0f, 0x58, 0xc1]; // addsd %xmm1, %xmm0
    const file = join(folder, "sse.elf");
    const headers = [{ type: PT.load, data: new Uint8Array(code) }];
    writeFileSync(file, elfFile({ headers }));
    const { status, stderr } = smpbox("run", file, "--machine", "uni1");
    expect(status).toBe(1);
    const text = stderr.replaceAll("\n", " ");
    expect(text).toContain("died of #UD, invalid opcode at RIP 0x400000: addsd %xmm1,%xmm0");
    expect(text).toContain("built with SSE");
    expect(text).toContain("rebuild with the flags that `smpbox cflags` prints");
  });
});

describe("compare 001", () => {
  const words = ["compare", "001", "--rounds", "150", "--seeds", "1", "--machines", "conroe"];

  it("draws, tabulates and concludes in at most 80 columns", () => {
    const { status, stdout } = smpbox(...words);
    expect(stdout).toContain("conroe");
    expect(stdout).toMatch(/^conroe +0,1 +same L2 +k0 +0\/1/m);
    expect(stdout).toMatch(/^conroe +0,1 +same L2 +k7 +0\/1/m);
    expect(stdout).toMatch(/expectations hold\.$/m);
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(status).toBe(0);
  });

  it("says of adversarial drains what they are, in text and JSON", () => {
    const adverse = [...words, "--memory", "tso-adv"];
    const { stdout } = smpbox(...adverse);
    expect(stdout).toContain("memory tso-adv: adversarial drains");
    expect(stdout).toMatch(/^conroe +0,1 +same L2 +k0 tso-adv /m);
    const prose = stdout.split("\n").filter((line) => !line.startsWith("reproduce: "));
    expect(prose.filter((line) => line.length > 80)).toEqual([]);
    expect(JSON.parse(smpbox(...adverse, "--json").stdout).memoryNote).toBe("adversarial drains");
  });

  it("prints one JSON document with every run", () => {
    const { stdout } = smpbox(...words, "--json");
    const report = JSON.parse(stdout);
    expect(report.schema).toBe("smpbox-compare-1");
    expect(report.runs.map((run: { variant: string }) => run.variant)).toEqual(["k0", "k7"]);
    expect(report.runs[0]).toMatchObject({ relation: "same L2", exit: 0, rounds: 150 });
    for (const key of ["seed", "machine", "cycles", "instructions", "stateHash"]) {
      expect(report).toHaveProperty(key);
    }
  });
});
