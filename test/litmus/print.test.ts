// Logs as herd7 and litmus7 write them, --json, the sentence below, and the table of a witness.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Engine, Outcome, Program, Witness } from "../../src/engine/program.ts";
import { type Assembled, assemble } from "../../src/litmus/assemble.ts";
import { conditionText } from "../../src/litmus/condition.ts";
import { witnessTable } from "../../src/litmus/explain.ts";
import { hex, md5 } from "../../src/litmus/md5.ts";
import { parseText } from "../../src/litmus/parse.ts";
import { jsonOf, judge, logOf, type Result } from "../../src/litmus/print.ts";
import { type Run, runFiles } from "../../src/litmus/run.ts";

const SB = `X86_64 SB
Orig=PodWR Fre PodWR Fre
{ }
 P0            | P1            ;
 movl $1,(x)   | movl $1,(y)   ;
 movl (y),%eax | movl (x),%eax ;
exists (0:rax=0 /\\ 1:rax=0)
`;
const read = (text: string) => assemble(parseText("t", text));
const counted = (...rows: [number, ...number[]][]) =>
  rows.map(([count, ...values]) => ({ count, values: values.map(BigInt) }));

function resultOf(
  assembled: Assembled, states: Outcome["states"], engine: Engine["name"] = "explore",
  more: Partial<Outcome> = {},
): Result {
  return { engine, assembled, outcome: { states, model: "x86-TSO", seconds: 0.29, ...more } };
}

const four = counted([1, 1, 1], [1, 0, 1], [1, 1, 0], [1, 0, 0]);

describe("a log", () => {
  it("of explore has herd7's lines in herd7's order", async () => {
    expect(logOf(resultOf(await read(SB), four))).toEqual([
      "Test SB Allowed", "States 4", "0:rax=0; 1:rax=0;", "0:rax=0; 1:rax=1;",
      "0:rax=1; 1:rax=0;", "0:rax=1; 1:rax=1;", "Ok", "Witnesses", "Positive: 1 Negative: 3",
      "Condition exists (0:rax=0 /\\ 1:rax=0)", "Observation SB Sometimes 1 3", "Time SB 0.29",
      // The same in herd7's and litmus7's logs of this test.
      "Hash=055f9747fd517835a93f2f188e15e163", "Model explore: x86-TSO",
      "Reachable: in 1 of 4 final states.", "",
    ]);
  });

  it("of runs has litmus7's, in its order of states", async () => {
    const states = counted([24970, 0, 1], [24956, 1, 0], [74, 0, 0]);
    expect(logOf(resultOf(await read(SB), states, "host"))).toEqual([
      "Test SB Allowed", "Histogram (3 states)", "74    *>0:rax=0; 1:rax=0;",
      "24956 :>0:rax=1; 1:rax=0;", "24970 :>0:rax=0; 1:rax=1;", "Ok", "", "Witnesses",
      "Positive: 74, Negative: 49926",
      "Condition exists (0:rax=0 /\\ 1:rax=0) is validated",
      "Hash=055f9747fd517835a93f2f188e15e163", "Orig=PodWR Fre PodWR Fre",
      "Observation SB Sometimes 74 49926", "Time SB 0.29", "Model host: x86-TSO",
      "It was seen in 74 of 50000 runs (0.15 %).", "",
    ]);
  });

  it("says what was not seen, and how rare it may be", async () => {
    const log = logOf(resultOf(await read(SB), counted([3000, 0, 1]), "timing"));
    expect(log.at(-2)).toBe("It was not seen in 3000 runs (95 % bound on its rate: 1.0e-3).");
    expect(log).toContain("No");
  });

  it("does not answer what a cut search cannot know", async () => {
    const assembled = await read(SB);
    const cut = { bound: "stopped after 7 states" };
    const none = logOf(resultOf(assembled, counted([1, 1, 1]), "explore", cut));
    expect(none).toContain("Undecided");
    expect(none).toContain("Incomplete: stopped after 7 states");
    expect(logOf(resultOf(assembled, four, "explore", cut))).toContain("Ok");
  });

  it("merges states that differ only in what is filtered, and drops those that do not pass",
    async () => {
      const text = SB.replace("exists", "filter (0:rbx=1 \\/ 0:rbx=2)\nexists");
      const assembled = await read(text);
      expect(assembled.columns.map(({ name }) => name)).toEqual(["0:rax", "1:rax", "0:rbx"]);
      const states = counted([5, 0, 0, 1], [6, 0, 0, 2], [7, 0, 1, 3]);
      const verdict = judge(resultOf(assembled, states, "timing"));
      expect(verdict.states.map(({ line, count }) => `${count} ${line}`)).toEqual(
        ["11 0:rax=0; 1:rax=0;"]);
    });
});

it("is a document under --json", async () => {
  const document = jsonOf(resultOf(await read(SB), four));
  expect(document).toMatchObject({
    name: "SB", file: "t", engine: "explore", condition: "exists (0:rax=0 /\\ 1:rax=0)",
    observation: "Sometimes", holds: true,
  });
  expect(document.states[0]).toEqual({ state: "0:rax=0; 1:rax=0;", count: 1 });
  expect(Object.keys(JSON.parse(JSON.stringify(document)))).not.toContain("machine");
});

describe("a condition", () => {
  const verdictOf = async (condition: string, states: Outcome["states"]) => {
    const text = SB.replace(/exists[^]*/, `locations [0:rax; 1:rax]\n${condition}\n`);
    const verdict = judge(resultOf(await read(text), states));
    return `${verdict.ok} ${verdict.observation}`;
  };

  it.each([
    ["exists (0:rax=1 /\\ 1:rax=1)", "true Sometimes"],
    ["exists 0:rax=2", "false Never"],
    ["~exists 0:rax=2", "true Never"],
    ["~ exists 0:rax=1", "false Sometimes"],
    ["forall (0:rax=0 \\/ 0:rax=1)", "true Always"],
    ["forall 0:rax=0", "false Sometimes"],
    ["forall (0:rax=0 => 1:rax=0)", "false Sometimes"],
    ["forall (~(0:rax=0) \\/ ~ 0:rax=1)", "true Always"],
    ["exists (0:rax=0 /\\ (1:rax=1 \\/ 1:rax=0) /\\ not (0:rax=1))", "true Sometimes"],
    ["exists (0:rax!=0)", "true Sometimes"],
    ["exists (true)", "true Always"],
    ["exists (0:rax=0x100000000)", "true Sometimes"],
  ])("%s: %s", async (condition, expected) => {
    expect(await verdictOf(condition, four)).toBe(expected);
  });

  it("reads as it is written", () => {
    const atom = fc.record({ thread: fc.nat(1), value: fc.integer({ min: -3, max: 3 }) })
      .map(({ thread, value }) => `${thread}:rax=${value}`);
    const { proposition } = fc.letrec<{ proposition: string }>((tie) => ({
      proposition: fc.oneof({ maxDepth: 5 }, atom,
        fc.tuple(tie("proposition"), fc.constantFrom("/\\", "\\/", "=>"), tie("proposition"))
          .map((parts) => `(${parts.join(" ")})`),
        tie("proposition").map((inner) => `~(${inner})`)),
    }));
    fc.assert(fc.property(proposition, (text) => {
      const parse = (prop: string) =>
        parseText("t", SB.replace(/exists[^]*/, `exists (${prop})\n`)).condition;
      const first = parse(text);
      const written = conditionText(first).slice("exists ".length);
      const strip = (key: string, value: unknown) =>
        key === "at" ? undefined : typeof value === "bigint" ? `${value}` : value;
      expect(JSON.stringify(parse(written), strip)).toBe(JSON.stringify(first, strip));
    }));
  });
});

describe("a witness", () => {
  it("is a table, and gives the reason", async () => {
    const assembled = await read(SB);
    const [x, y] = assembled.program.memory.map(({ address }) => address);
    const [first, second] = assembled.program.threads[0].offsets;
    const inBuffer = (address: bigint) => [{ address, size: 4, value: 1n, offset: first }];
    const step = (thread: number, offset: number, buffers: Witness["steps"][0]["buffers"],
      kind: "load" | "store", address: bigint, value: bigint) => ({
      thread, kind: "execute" as const, offset, buffers,
      accesses: [{ kind, address, size: 4, value }],
    });
    const both = [inBuffer(x), inBuffer(y)];
    const witness: Witness = { values: [0n, 0n], steps: [
      step(0, first, [inBuffer(x), []], "store", x, 1n),
      step(0, second, [inBuffer(x), []], "load", y, 0n),
      step(1, first, both, "store", y, 1n),
      step(1, second, both, "load", x, 0n),
      { ...step(0, first, [[], inBuffer(y)], "store", x, 1n), kind: "commit" },
    ] };
    const log = logOf(resultOf(assembled, four, "explore", { witness }));
    expect(log.at(-2)).toBe(
      "Reachable: P0's store to x was still in its store buffer when P0 loaded y, and P1's store " +
        "to y was still in its store buffer when P1 loaded x.");
    expect(witnessTable(witness, assembled)).toEqual([
      "step  CPU  does                                 buffer of P0  buffer of P1",
      "1     P0   movl $1,(x)             buffers x=1  x=1           -",
      "2     P0   movl (y),%eax           reads y=0    x=1           -",
      "3     P1   movl $1,(y)             buffers y=1  x=1           y=1",
      "4     P1   movl (x),%eax           reads x=0    x=1           y=1",
      "5     P0   (oldest store commits)  memory: x=1  -             y=1",
    ]);
  });
});

it("runs the other files when one is no test", async () => {
  const engine: Engine = {
    name: "explore",
    run: async (program: Program) => ({
      states: [{ values: program.observed.map(() => 0n), count: 1 }], model: "zeros", seconds: 0,
    }),
  };
  const encode = (text: string) => new TextEncoder().encode(text);
  const files = [
    { name: "a", bytes: encode(SB) }, { name: "b", bytes: Uint8Array.of(0) },
    { name: "c", bytes: encode(SB.replace("movl $1,(x)", "vmovups $1,(x)")) },
    { name: "d", bytes: encode(SB) },
  ];
  const runs: Run[] = [];
  for await (const run of runFiles(files, [engine], {})) runs.push(run);
  const texts = runs.map((run) =>
    "error" in run ? run.error.message : run.result.assembled.test.file);
  expect(texts).toEqual(["a", "b:1:1: byte 00: this is not a text file",
    "c:5:2: unsupported instruction vmovups", "d"]);
});

it("digests as RFC 1321 does", () => {
  const of = (text: string) => hex(md5(new TextEncoder().encode(text)));
  expect(of("")).toBe("d41d8cd98f00b204e9800998ecf8427e");
  expect(of("message digest")).toBe("f96b697d7cb7938d525a2f31aaf161d0");
  expect(of("1234567890".repeat(8))).toBe("57edf4a22be3c955ac49da2e2107b67a");
});
