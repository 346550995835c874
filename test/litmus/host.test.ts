// The host engine and the native engine: never an outcome that explore excludes, on an x86-64
// host; and what they say where they cannot run a test.
import { arch } from "node:os";
import { describe, expect, it } from "vitest";
import { HostEngine } from "../../src/engine/litmus/host.ts";
import { NativeEngine } from "../../src/engine/litmus/native.ts";
import { TimingEngine } from "../../src/engine/litmus/timing.ts";
import type { Engine } from "../../src/engine/program.ts";
import { hasTool } from "../support/tools.ts";
import { linesOf, outside, ownTest, ownTests, testOf } from "./engines.ts";

const RUNS = 20_000;
/** Its threads wait for each other at every step: on a busy host a run takes time slices. */
const SLOW = "spsc-ring";
const SLOW_RUNS = 500;
/** Elsewhere WebAssembly's plain accesses may be weaker than x86's: shown, not judged. */
const judged = arch() === "x64";
if (!judged) console.log(`the host engine's states are not judged: this is ${arch()}`);
const native = judged && process.platform === "linux" && hasTool("gcc", "gcc");
/** What WebAssembly cannot do. */
const UNTRANSLATED = ["cmpxchg16b"];

describe.skipIf(!judged)("host", () => {
  const engine = new HostEngine();

  it.each(ownTests)("%s", async (name) => {
    const runs = name === SLOW ? SLOW_RUNS : RUNS;
    const { lines, outcome } = await outside(await ownTest(name), engine, { runs });
    expect(lines).toEqual([]);
    expect(outcome.stuck).toBeUndefined();
    if (UNTRANSLATED.includes(name)) {
      expect(outcome.bound).toMatch(/^not run: .*cmpxchg16b/);
      return;
    }
    expect(outcome.bound).toBeUndefined();
    expect(outcome.states.reduce((sum, { count }) => sum + count, 0)).toBe(runs);
    expect(outcome.model).toContain("V8");
  });

  it("gives up an address outside of the variables", async () => {
    const test = await testOf(
      "X86_64 wild\n{ x=0; 0:rbx=4096; }\n P0 ;\n movl (%rbx),%eax ;\nexists (x=1)\n");
    const { bound, stuck } = await engine.run(test.program, { runs: 10 });
    expect(bound).toBe("stopped after 0 of 10 runs");
    expect(stuck).toMatch(/^P0: /);
  });
});

/** Left as soon as it says how far it is: what was seen until then is told, and counted right. */
async function leave(engine: Engine) {
  const runs = 1_000_000_000;
  const { program } = await ownTest("SB");
  const abort = new AbortController();
  const told: number[] = [];
  const onProgress = (count: number) => {
    told.push(count);
    if (count > 0) abort.abort();
  };
  const { states, bound } = await engine.run(program, { runs, signal: abort.signal, onProgress });
  const done = states.reduce((sum, { count }) => sum + count, 0);
  expect(done).toBeGreaterThanOrEqual(Math.max(...told));
  expect(bound).toBe(`stopped after ${done} of ${runs} runs`);
  expect(told.at(-1)).toBeGreaterThan(0);
}

it.skipIf(!judged)("host: Ctrl-C ends it with the runs that were made", () =>
  leave(new HostEngine()), 60_000);
it.skipIf(!native)("native: Ctrl-C ends it with the runs that were made", () =>
  leave(new NativeEngine()), 60_000);
it("timing: Ctrl-C ends it with the runs that were made", () =>
  leave(new TimingEngine()), 60_000);

describe.skipIf(!native)("native", () => {
  const engine = new NativeEngine();

  it.each(ownTests)("%s", async (name) => {
    const runs = name === SLOW ? SLOW_RUNS : RUNS;
    const { lines, outcome } = await outside(await ownTest(name), engine, { runs });
    expect(lines).toEqual([]);
    expect([outcome.bound, outcome.stuck]).toEqual([undefined, undefined]);
    expect(outcome.states.reduce((sum, { count }) => sum + count, 0)).toBe(runs);
  });

  it("moves variables: RIP-relative, pointers in registers and memory, a stack", async () => {
    const test = await testOf([
      "X86_64 moved", "{ uint64_t x=5; uint64_t *p=x; 0:rbx=p; 0:rsi=x; uint64_t y=0; }", " P0 ;",
      " movq (%rbx),%rcx ;", " movq (%rcx),%rax ;", " movq x(%rip),%rdx ;", " movq $x,%rdi ;",
      " pushq %rax ;", " popq (y) ;", "locations [0:rax; 0:rcx; 0:rdx; 0:rsi; 0:rdi; p; y;]",
      "exists (0:rax=5)",
    ].join("\n"));
    const { outcome, allowed } = await outside(test, engine, { runs: 1000 });
    expect(linesOf(test, outcome)).toEqual(linesOf(test, allowed));
    expect(linesOf(test, outcome)).toEqual(
      ["0:rax=5; 0:rcx=x; 0:rdx=5; 0:rsi=x; 0:rdi=x; [p]=x; [y]=5;"]);
  });

  it("says when a thread faults", async () => {
    const test = await testOf(
      "X86_64 wild\n{ x=0; 0:rbx=4096; }\n P0 ;\n movl (%rbx),%eax ;\nexists (x=1)\n");
    const { states, bound, stuck } = await engine.run(test.program, { runs: 10 });
    expect(states).toEqual([]);
    expect(bound).toBe("stopped after 0 of 10 runs");
    expect(stuck).toBe("a thread of the test takes signal 11");
  });
});
