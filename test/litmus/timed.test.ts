// A litmus test with clocks in its threads is the test that it was: what it ends in is what explore
// allows of the test without them. Registers that it uses are not taken.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { ExploreEngine } from "../../src/engine/explore.ts";
import { TimingEngine } from "../../src/engine/litmus/timing.ts";
import { Machine } from "../../src/engine/machine.ts";
import { assemble } from "../../src/litmus/assemble.ts";
import { parseBytes } from "../../src/litmus/parse.ts";
import { timedProgram } from "../../src/litmus/timed.ts";

afterAll(() => Machine.shutdown());

/** Registers with values at the beginning, and variables where the code says how far away. */
const RELATIVE = `X86_64 relative
{ 0:rax=5; 1:rdx=6; }
 P0                   | P1                   ;
 movl %eax,x(%rip)    | movl %edx,y(%rip)    ;
 movl y(%rip),%eax    | movl x(%rip),%eax    ;
 jmp L                | movl %eax,%edx       ;
 movl $5,%eax         |                      ;
 L:                   |                      ;
exists (0:rax=0 /\\ 1:rdx=0 /\\ x=5 /\\ y=6)
`;

const bundled = (name: string) =>
  readFileSync(join(packageRoot(), "workloads", "litmus", `${name}.litmus`));
const TESTS: [string, Uint8Array][] = [
  ["SB+pointers", bundled("SB+pointers")], ["spsc-ring", bundled("spsc-ring")],
  ["chase-lev", bundled("chase-lev")], ["relative", new TextEncoder().encode(RELATIVE)],
];

it.each(TESTS)("%s", async (name, bytes) => {
  const assembled = await assemble(parseBytes(`${name}.litmus`, bytes));
  const allowed = await new ExploreEngine().run(assembled.program, {});
  expect(allowed.bound).toBeUndefined();
  const lines = new Set(allowed.states.map(({ values }) => assembled.line(values)));
  const program = timedProgram(assembled);
  const threads = program.threads.length;
  const { states, bound, stuck } = await new TimingEngine()
    .run(program, { machine: "conroe", runs: 150, seed: 1n });
  expect([bound, stuck]).toEqual([undefined, undefined]);
  expect(states.length).toBeGreaterThan(1);
  for (const { values } of states) {
    expect(lines).toContain(assembled.line(values));
    for (const cycles of values.slice(-threads)) {
      expect(cycles).toBeGreaterThan(0n);
      expect(cycles).toBeLessThan(100_000n);
    }
  }
});

it("is refused where no registers are left", async () => {
  const greedy = `X86_64 greedy
{ uint64_t 0:r8; uint64_t 0:r9; }
 P0             | P1          ;
 movq $1,%r10   | movl $1,(x) ;
 movq %r11,%r12 | movl (y),%eax ;
 movq %r13,%r14 |             ;
 movq $1,%r8    |             ;
 movq $1,%r9    |             ;
 movl $1,(y)    |             ;
exists (x=1)
`;
  const test = parseBytes("greedy.litmus", new TextEncoder().encode(greedy));
  const assembled = await assemble(test);
  expect(() => timedProgram(assembled)).toThrow(/P0 leaves no room, so leave --machines out/);
});
