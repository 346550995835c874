// The built module: no garbage collector, no indirect calls, and the memory that the host gives it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { PAGE_BYTES, MEMORY_PAGES_INITIAL, MEMORY_PAGES_MAX } from "../../src/core/instance.ts";
import { packageRoot } from "../../src/core/root.ts";
import { MACHINE_BASE } from "../../assembly/abi.ts";
import { hasCallIndirect, waitingFunctions } from "./wasm.ts";

const root = packageRoot();
const bytes = readFileSync(join(root, "build", "timing.wasm"));
const module = new WebAssembly.Module(bytes);

it("exports the functions of the contract and nothing else", () => {
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  expect(names.filter((name) => name !== "memory").sort()).toEqual([
    "clearDisks", "cpuHash", "diskBlocks", "diskBlocksAt", "diskKeysAt", "flagsOf", "layoutBytes",
    "lineHashes", "replicaBytes", "restoreDisks", "rewind", "runWorker", "setup", "startBsp",
    "stateHash",
  ]);
});

it("imports the memory, files behind disks, and at most abort", () => {
  const names = WebAssembly.Module.imports(module).map(({ name }) => name);
  expect(names).toContain("memory");
  expect(names.filter((name) => !["memory", "diskRead", "abort"].includes(name))).toEqual([]);
});

it("allocates nothing and calls nothing through a table", () => {
  expect(bytes.includes("__new")).toBe(false);
  expect(hasCallIndirect(bytes)).toBe(false);
});

// Inlined into the window loop, the wait made V8 11.3's baseline compiler lose a local: the time at
// the end of a run with more workers than host cores was 0.
it("waits for peers in small functions of their own", () => {
  const sizes = waitingFunctions(bytes);
  expect(sizes.length).toBeGreaterThan(0);
  for (const size of sizes) expect(size).toBeLessThan(400);
});

it("is built for the memory that the host creates", () => {
  const { options } = JSON.parse(readFileSync(join(root, "asconfig.json"), "utf8"));
  expect(options.maximumMemory).toBe(MEMORY_PAGES_MAX);
  expect(options.initialMemory).toBeLessThanOrEqual(MEMORY_PAGES_INITIAL);
  expect(MEMORY_PAGES_INITIAL * PAGE_BYTES).toBeGreaterThan(MACHINE_BASE);
});
