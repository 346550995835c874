// The host engine's translation of x86 to WebAssembly: alone in a thread, every instruction leaves
// the registers, flags and memory that the core leaves.
import { expect, it } from "vitest";
import { ExploreEngine } from "../../src/engine/explore.ts";
import { HostEngine } from "../../src/engine/litmus/host.ts";
import { linesOf, testOf } from "./engines.ts";

const VALUES = ["0", "1", "-1", "127", "128", "0x7fffffff", "0x80000000", "0x123456789abcdef"];
const FLAGS = ["c", "z", "s", "o", "p"];

/** Operand forms by suffix: register and memory, of each size. */
const SIZES = [["b", "al", "bl"], ["w", "ax", "bx"], ["l", "eax", "ebx"], ["q", "rax", "rbx"]];
/** Flags that an instruction leaves undefined, or that need not be compared. */
const UNDEFINED: Record<string, string> = {
  bt: "zsop", bts: "zsop", btr: "zsop", btc: "zsop", shl: "o", shr: "o", sar: "o",
};

function instructions(): [string, string][] {
  const list: [string, string][] = [];
  for (const [suffix, a, b] of SIZES) {
    for (const name of ["add", "sub", "and", "or", "xor", "cmp", "test", "mov"]) {
      list.push([name, `${name}${suffix} %${a},%${b}`], [name, `${name}${suffix} %${a},(x)`]);
    }
    for (const name of ["add", "sub", "and", "or", "xor"]) {
      list.push([name, `lock; ${name}${suffix} %${a},(x)`], [name, `${name}${suffix} $-3,%${a}`]);
      list.push([name, `${name}${suffix} (x),%${b}`]);
    }
    for (const name of ["inc", "dec", "not"]) {
      list.push([name, `${name}${suffix} %${b}`], [name, `${name}${suffix} (x)`]);
      list.push([name, `lock; ${name}${suffix} (x)`]);
    }
    list.push(["neg", `neg${suffix} %${b}`], ["neg", `neg${suffix} (x)`]);
    for (const name of ["xchg", "xadd", "cmpxchg"]) {
      list.push([name, `${name}${suffix} %${b},(x)`], [name, `${name}${suffix} %${b},%${a}`]);
      list.push([name, `lock; ${name}${suffix} %${b},(x)`]);
    }
    for (const name of ["shl", "shr", "sar"]) {
      for (const count of ["$1", "$5", "%cl"]) {
        list.push([name, `${name}${suffix} ${count},%${b}`]);
        list.push([name, `${name}${suffix} ${count},(x)`]);
      }
    }
    if (suffix === "b") continue;
    for (const name of ["bt", "bts", "btr", "btc"]) {
      list.push([name, `${name}${suffix} $3,(x)`], [name, `${name}${suffix} %${b},%${a}`]);
      if (name !== "bt") list.push([name, `lock; ${name}${suffix} $7,(x)`]);
    }
    for (const name of ["cmove", "cmovl", "cmova", "cmovns"]) {
      list.push([name, `${name} %${a},%${b}`]);
    }
  }
  for (const text of ["movzbl %al,%ebx", "movsbl %al,%ebx", "movslq %eax,%rbx", "cltq", "cltd",
    "cqto", "cwtl", "leaq 5(%rax,%rbx,4),%rcx", "movswq (x),%rbx", "movb %ah,%bl", "movb $7,%bh",
    "xchgl %eax,%ebx", "lock; btsq %rcx,(x)", "mfence", "pause"]) {
    list.push(["other", text]);
  }
  return list;
}

interface Snippet {
  name: string;
  text: string;
  a: string;
  b: string;
}

/** Sets flags by a comparison, executes, stores flags, registers and x to variables of its own. */
function snippetLines({ name, text, a, b }: Snippet, k: number): [string[], string[]] {
  const kept = FLAGS.filter((flag) => !(UNDEFINED[name] ?? "").includes(flag));
  const registers = ["rax", "rbx", "rcx", "rdx"];
  const lines = [
    `movq $${BigInt.asIntN(64, BigInt(b) * 3n)},%rax`, "movq %rax,(x)",
    `movq $${a},%rax`, `movq $${b},%rbx`, "movl $3,%ecx", "movl $9,%edx", "cmpq %rbx,%rax", text,
    ...kept.map((flag) => `set${flag} (${flag}${k})`),
    ...registers.map((register) => `movq %${register},(${register}${k})`),
    "movq (x),%rax", `movq %rax,(x${k})`,
  ];
  const names = [...kept, ...registers, "x"].map((part) => `${part}${k}`);
  return [lines, names];
}

const SNIPPETS = 40;

function programOf(snippets: Snippet[]): string {
  const parts = snippets.map(snippetLines);
  const names = parts.flatMap(([, list]) => list);
  const types = names.map((name) =>
    `${/^[czsop]\d/.test(name) ? "uint8_t" : "uint64_t"} ${name}=7;`);
  const code = parts.flatMap(([lines]) => lines.map((line) => ` ${line} ;`));
  return ["X86_64 many", `{ uint64_t x=0; ${types.join(" ")} }`, " P0 ;", ...code,
    `locations [${names.join("; ")};]`, "exists (x=0)"].join("\n");
}

it("leaves what the core leaves", { timeout: 600_000 }, async () => {
  const [core, host] = [new ExploreEngine(), new HostEngine()];
  // Two pairs of values for each; all pairs come up over the instructions.
  const all = instructions().flatMap(([name, text], i) => [i, i + 3 + (i >> 3)].map((k) => ({
    name, text, a: VALUES[k % VALUES.length], b: VALUES[(k + (k >> 3) + 1) % VALUES.length],
  })));
  expect(all.length).toBeGreaterThan(500);
  const wrong: string[] = [];
  for (let from = 0; from < all.length; from += SNIPPETS) {
    const snippets = all.slice(from, from + SNIPPETS);
    const test = await testOf(programOf(snippets));
    const [want] = linesOf(test, await core.run(test.program, {}));
    const outcome = await host.run(test.program, { runs: 1 });
    const [got] = linesOf(test, outcome);
    expect(outcome.bound).toBeUndefined();
    const values = want.split("; ");
    got.split("; ").forEach((value, i) => {
      if (value === values[i]) return;
      const { text, a, b } = snippets[Number(/\d+(?=\]?=)/.exec(value)![0])];
      wrong.push(`${text} a=${a} b=${b}: ${value}, want ${values[i]}`);
    });
  }
  expect(wrong).toEqual([]);
});
