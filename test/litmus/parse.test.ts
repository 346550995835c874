// The reader: every part of a file, and that what is written is read again as the same.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseText } from "../../src/litmus/parse.ts";
import { hashOf, writeTest } from "../../src/litmus/write.ts";

describe("the reader", () => {
  it("reads all that a file has", () => {
    const test = parseText("t", `X86_64 A+b-c
(* one (* inside *) another *)
"title (of a kind)"
Orig=PodWR Fre
Relax=
{ x=1; uint64_t y = 0x10; int *p=x; [z]=-1; t[1]=2; int8_t t[2]; 0:rax=y+8; int64_t 1:RCX; }
 P0               | P1 ;
 a: b: movl $1,(x)| (* nothing *) ;
 LOCK; incl (y)   | c: ;
 je a             | lock addq $1, 8(%rsp) ;
 jmp b            | XCHGL %EAX , x(%rip) ;
locations [0:rax; x; [y]; t[1];]
filter (x=1)
forall (0:rax=y \\/ ~(1:RCX = -3) /\\ [x]=0x10)
`);
    expect(test.name).toBe("A+b-c");
    expect(test.title).toBe("title (of a kind)");
    expect(test.fields).toEqual([{ key: "Orig", value: "PodWR Fre" }, { key: "Relax", value: "" }]);
    expect(test.initial.map(({ type, length, values }) => [type?.size, length, values.length]))
      .toEqual([[undefined, undefined, 1], [8, undefined, 1], [8, undefined, 1],
        [undefined, undefined, 1], [undefined, undefined, 1], [1, 2, 0],
        [undefined, undefined, 1], [8, undefined, 0]]);
    const [first, second] = test.threads;
    expect(first.statements.map(({ labels, lock, mnemonic }) => [labels.join(), lock, mnemonic]))
      .toEqual([["a,b", false, "movl"], ["", true, "incl"], ["", false, "je"], ["", false, "jmp"]]);
    expect(second.statements.map(({ text }) => text)).toEqual(
      ["", "lock addq $1, 8(%rsp)", "XCHGL %EAX , x(%rip)"]);
    expect(second.statements[1].at).toEqual({ line: 10, column: 26 });
    expect(test.locations.length).toBe(4);
    expect(test.filter).toMatchObject({ kind: "equal" });
    expect(test.condition.quantifier).toBe("forall");
    expect(test.condition.proposition).toMatchObject({ kind: "or" });
  });

  it("takes windows' line ends, and threads on one line", () => {
    const test = parseText("t", "X86_64 T\r\n{}\r\n\r\nP0;\r\n  NOP;\r\n\r\nforall 0:rax = 0\r\n");
    expect(test.threads[0].statements.map(({ mnemonic }) => mnemonic)).toEqual(["nop"]);
    expect(parseText("t", "X86 T { } P0 | P1 ; NOP | NOP ; exists (true)").threads.length).toBe(2);
  });
});

const name = fc.constantFrom("x", "y", "z", "flag0");
const register = fc.constantFrom("rax", "rbx", "r8");
const value = fc.oneof(fc.integer({ min: -9, max: 9 }).map(String), name);
const size = fc.constantFrom("", "uint64_t ", "int8_t ", "int ");
const initial = fc.oneof(
  fc.tuple(size, name, value).map(([type, x, v]) => `${type}${x}=${v}`),
  fc.tuple(size, register, value).map(([type, r, v]) => `${type}0:${r}=${v}`),
  fc.tuple(name, fc.array(fc.nat(9), { minLength: 1, maxLength: 3 }))
    .map(([x, vs]) => `int16_t ${x}[${vs.length}]={${vs.join()}}`));
const line = fc.oneof(
  fc.tuple(name, fc.nat(9)).map(([x, n]) => `movl $${n},(${x})`),
  name.map((x) => `lock; incl (${x})`), name.map((x) => `movl 4+${x}(%rip),%eax`),
  fc.constantFrom("mfence", "L0:", "L1: nop", "jne L0", "xchgq %rax,8(%rsp,%rcx,4)"));
const test = fc.record({
  initial: fc.array(initial, { maxLength: 4 }),
  threads: fc.array(fc.array(line, { maxLength: 6 }), { minLength: 1, maxLength: 4 }),
  locations: fc.array(fc.oneof(name, register.map((r) => `0:${r}`)), { maxLength: 3 }),
  quantifier: fc.constantFrom("exists", "~exists", "forall"),
});

it("reads what it writes", () => {
  fc.assert(fc.property(test, ({ initial: entries, threads, locations, quantifier }) => {
    const rows = Math.max(...threads.map(({ length }) => length));
    const table = Array.from({ length: rows }, (_, row) =>
      `${threads.map((lines) => lines[row] ?? "").join(" | ")} ;`);
    const heads = threads.map((_, i) => `P${i}`).join("|");
    const where = locations.length ? `locations [${locations.join(";")}]\n` : "";
    const text = `X86_64 T\n{ ${entries.map((entry) => `${entry};`).join(" ")} }\n${heads} ;
${table.join("\n")}\n${where}${quantifier} (0:rax=1 \\/ [x]=y)\n`;
    const first = parseText("t", text);
    const second = parseText("t", writeTest(first));
    const strip = (key: string, item: unknown) =>
      key === "at" ? undefined : typeof item === "bigint" ? `${item}` : item;
    // A label in front of an instruction is written on a line of its own.
    const shape = (parsed: typeof first) => JSON.stringify({
      ...parsed,
      threads: parsed.threads.map(({ statements }) => statements.flatMap(
        ({ labels, ...rest }) => [...labels, ...(rest.mnemonic ? [rest] : [])])),
    }, strip);
    expect(shape(second)).toBe(shape(first));
    expect(writeTest(second)).toBe(writeTest(first));
    expect(hashOf(second)).toBe(hashOf(first));
  }), { numRuns: 300 });
});
