// A witness tells what every instruction did and what was in the store buffers after it.
import { expect, it } from "vitest";
import { ExploreEngine, setupOf } from "../../src/engine/explore.ts";
import { Explorer } from "../../src/engine/explorer.ts";
import type { Program, WitnessStep } from "../../src/engine/program.ts";
import { minimise, parseSchedule, scheduleText } from "../../src/engine/schedule.ts";
import { assemble } from "../../src/litmus/assemble.ts";
import { parseText } from "../../src/litmus/parse.ts";

const SB = `X86_64 SB
{}
 P0 | P1 ;
 movl $1,(x) | movl $1,(y) ;
 movl (x),%ebx | incl %ebx ;
 movl (y),%eax | movl (x),%eax ;
exists (0:rax=0 /\\ 1:rax=0)
`;

/** `P0 execute 0, store x=1, 1/0`: instruction, accesses, stores in each buffer after it. */
function linesOf(program: Program, steps: WitnessStep[]): string[] {
  return steps.map(({ thread, kind, offset, accesses, buffers }) => {
    const index = program.threads[thread].offsets.indexOf(offset);
    const text = accesses.map((access) => {
      const { name } = program.memory.find((v) => v.address === access.address)!;
      return `${access.kind}${access.forwarded ? " own" : ""} ${name}=${access.value}`;
    });
    const counts = buffers.map((stores) => stores.length).join("/");
    return [`P${thread} ${kind} ${index}`, ...text, counts].join(", ");
  });
}

it("shows stores that wait while later loads read", async () => {
  const { program, holds } = await assemble(parseText("SB", SB));
  const { witness } = await new ExploreEngine().run(program, { witness: holds });
  const lines = linesOf(program, witness!.steps);
  // Who loads first is the search's choice; the other one's store has not been committed then.
  const visible = lines.findIndex((line) => line.includes("commit"));
  expect(lines.slice(0, visible)).toContainEqual("P0 execute 0, store x=1, 1/0");
  expect(lines.filter((line) => /load [xy]=0/.test(line))).toHaveLength(2);
  expect(lines.slice(0, visible).some((line) => /load [xy]=0/.test(line))).toBe(true);
  expect(lines.filter((line) => line.includes("commit"))).toHaveLength(2);
  expect(lines.at(-1)).toMatch(/0\/0$/);
  expect(holds(witness!.values)).toBe(true);
});

it("replays a schedule instruction by instruction", async () => {
  const { program } = await assemble(parseText("SB", SB));
  const explorer = await Explorer.open();
  explorer.explore(setupOf(program));
  const run = explorer.replay(parseSchedule("A2BabB"))!;
  const steps = run.steps.filter(({ thread, offset }) => offset < program.threads[thread].end);
  expect(linesOf(program, steps)).toEqual([
    "P0 execute 0, store x=1, 1/0",
    "P1 execute 0, store y=1, 1/1",
    "P1 execute 1, 1/1",
    "P0 execute 1, load own x=1, 1/1",
    "P0 execute 2, load y=0, 1/1",
    "P1 execute 2, load x=0, 1/1",
    "P0 commit 0, store x=1, 0/1",
    "P1 commit 0, store y=1, 0/0",
  ]);
  expect(run.values).toEqual([0n, 0n]);
});

it("has no witness for what cannot happen", async () => {
  const { program } = await assemble(parseText("SB", SB));
  const { witness } = await new ExploreEngine().run(program, { witness: () => false });
  expect(witness).toBeUndefined();
});

it("writes a schedule as one string", () => {
  const decisions = [0, 0, 0, 17, 1, 16, 16];
  expect(scheduleText(decisions)).toBe("A3bBa2");
  expect(parseSchedule("A3bBa2")).toEqual(decisions);
  expect(parseSchedule("")).toEqual([]);
  expect(() => parseSchedule("A?")).toThrow("letter 2 is ?");
  expect(() => parseSchedule("A99999999")).toThrow("at most");
});

it("keeps the decisions that matter", () => {
  const list = Array.from({ length: 100 }, (_, i) => i % 16);
  const fails = (some: number[]) => some.includes(3) && some.lastIndexOf(5) > some.indexOf(3);
  const short = minimise(list, fails);
  expect(short).toEqual([3, 5]);
});
