// Bad input is one line `file:line:column: what is wrong`, whatever it is and however long.
import { describe, expect, it } from "vitest";
import { assemble } from "../../src/litmus/assemble.ts";
import { parseBytes, parseText } from "../../src/litmus/parse.ts";
import { LitmusError } from "../../src/litmus/test.ts";

const good = `X86_64 T
{ x=0; 0:rax=x; }
 P0          | P1            ;
 movl $1,(x) | movl (x),%eax ;
exists (1:rax=1)
`;

async function problem(text: string): Promise<string> {
  try {
    await assemble(parseText("t.litmus", text));
  } catch (error) {
    if (error instanceof LitmusError) return error.message;
    throw error;
  }
  return "none";
}

const general = "the general registers are known";
const ROWS: [string, string, string][] = [
  ["movl $1,(x) |", "frobl $1,(x)|", "4:2: unsupported instruction frobl"],
  ["movl $1,(x) |", "movl $1,%eaz|", `4:10: unknown register %eaz: ${general}`],
  ["movl $1,(x) |", "movl %rax,(x)|", "4:2: movl works on 32 bits, rax has 64"],
  ["movl $1,(x) |", "mov $1,(x) |",
    "4:2: mov: its operand size is not known: add a suffix (b, w, l or q) or use dword ptr"],
  ["movl $1,(x) |", "movl $1 |", "4:2: movl takes 2 operands, not 1"],
  ["movl $1,(x) |", "lock; movl $1,(x)|",
    "4:8: lock movl with these operands raises #UD: remove the prefix"],
  ["movl $1,(x) |", "lock; incl %eax|",
    "4:8: lock incl with these operands raises #UD: remove the prefix"],
  ["movl $1,(x) |", "jmp nowhere |", "4:6: the label nowhere is not defined in P0"],
  ["movl $1,(x) |", "movl $1,(x,%rax,3)|", "4:18: the scale 3 is not 1, 2, 4 or 8"],
  ["movl $1,(x) |", "movl $1,(x |", '4:10: ")" is missing in (x'],
  ["movl $1,(x) |", "movl (y),(x) |", "4:2: movl does not take such operands"],
  ["movl $1,(x) |", "movb %ah,%r8b |", "4:2: cannot be encoded: "],
  ["exists (1:rax=1)", "exists (z=1)",
    "5:9: no thread and no initial value names the location z"],
  ["exists (1:rax=1)", "exists (2:rax=1)", "5:9: there is no thread P2"],
  ["exists (1:rax=1)", "exists (1:rxx=1)", `5:9: unknown register rxx: ${general}`],
  ["exists (1:rax=1)", "exists (1:rax=1", '6:1: ")" expected, not end of the file'],
  ["exists (1:rax=1)", "exists (1:rax 1)", '5:15: "=" expected, not "1"'],
  ["exists (1:rax=1)", "exists (1:rax=y)", "5:15: there is no variable y"],
  ["exists (1:rax=1)", "exists (1:rax=1) 7", '5:18: the end of the file behind ' +
    'exists (1:rax=1) expected, not "7"'],
  ["exists (1:rax=1)", "", "6:1: the condition is missing: exists, ~exists or forall"],
  ["exists (1:rax=1)", "(* (* *) exists", "5:1: this comment is not ended: add *)"],
  ["exists (1:rax=1)", "*) exists", "5:1: this ends a comment that none has begun"],
  ["X86_64 T", "AArch64 T", '1:1: a test begins with X86_64 or X86, not "AArch64"'],
  ["X86_64 T", "X86_64", "1:7: the test has no name: write it behind the architecture"],
  ["P0 ", "P1 ", '3:2: P0 expected, not "P1"'],
  ["x=0;", "x=;", '2:5: a number or a variable expected, not ";"'],
  ["x=0;", "x=0; x=1;", "2:8: x has two initial values"],
  ["x=0;", "uint8_t x=256;", "2:11: 256 does not fit in the 1 bytes of x"],
  ["0:rax=x;", "0:rax=y+;", '2:16: a number or a variable expected, not ";"'],
  ["{ x=0; 0:rax=x; }", "", '6:1: the initial state is missing: "{ }" at least'],
  [";\nexists", ";\n nop | nop | nop ;\nexists",
    "5:14: this row has more columns than the 2 threads"],
  [";\nexists", ";\n nop\nexists", '";" is missing at the end of this row'],
];

describe("bad input", () => {
  it("is none in the test from which the others are made", async () => {
    expect(await problem(good)).toBe("none");
  });

  it.each(ROWS)("%j replaced by %j: %s", async (from, to, message) => {
    expect(good).toContain(from);
    const found = await problem(good.replace(from, to));
    expect(found).toContain(message);
    expect(found).toMatch(/^t\.litmus:\d+:\d+: [^\n]+$/);
  });

  it("is a binary file, and an empty one", () => {
    const bytes = Uint8Array.of(0x58, 0x0a, 0x7f, 0x45, 0x4c, 0x00);
    expect(() => parseBytes("b", bytes)).toThrow("b:2:4: byte 00: this is not a text file");
    expect(() => parseBytes("b", new Uint8Array())).toThrow("b:1:1: the file is empty");
  });

  // Anything quadratic in the length of the file would not end before the test's time is up.
  it("is found in a file of 100 000 lines", async () => {
    const long = good.replace(";\nexists", ";\n" + " nop | nop ;\n".repeat(100_000) + "exists");
    expect(await problem(long)).toContain("a thread has at most 20000 instructions");
    const broken = long.replace("exists (1", "exists (1(");
    expect(await problem(broken)).toContain(':100005:10: ":" expected, not "("');
    const comments = good.replace("exists", "(* *)\n".repeat(100_000) + "exists");
    expect(await problem(comments)).toBe("none");
    expect(await problem("(*\n".repeat(100_000))).toContain(":1:1: this comment is not ended");
    expect(await problem(good.replace("(1:rax=1)", "(".repeat(100_000)))).toContain("nested");
    expect(await problem(good.replace("(1", "~".repeat(100_000) + "(1"))).toContain("negations");
  });
});
