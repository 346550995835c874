// Expressions of px and pd by themselves, over a memory of a few words and types made here; and
// what a command's lines go through behind a |.
import { describe, expect, it } from "vitest";
import type { Member, Type } from "../../src/machine/dwarf/types.ts";
import { valueOf } from "../../src/report/crash/expression.ts";
import { filterOf, splitAt } from "../../src/report/crash/pipes.ts";
import { numberOf, type Scope, type Value } from "../../src/report/crash/value.ts";

const base = (name: string, bytes: number, encoding: number): Type =>
  ({ kind: "base", name, bytes, encoding });
const [u64, u32, s32] = [base("u64", 8, 7), base("u32", 4, 7), base("int", 4, 5)];
const pointer = (to?: Type): Type => ({ kind: "pointer", bytes: 8, to });
const struct = (name: string, bytes: number, members: Member[]): Type =>
  ({ kind: "struct", name, bytes, members });
const journal = struct("journal", 32, [
  { name: "j_errors", type: s32, at: 0 },
  { name: "j_flags", type: u32, at: 4, bits: { first: 4, count: 3 } },
  { name: "j_wait", type: struct("list_head", 16, [
    { name: "next", type: pointer(), at: 0 }, { name: "prev", type: pointer(), at: 8 },
  ]), at: 8 },
  { name: "", type: { kind: "union", name: "", bytes: 8, members: [
    { name: "j_tid", type: u64, at: 0 },
  ] }, at: 24 },
]);

/** journals[2] at 0x1000, first = &journals[1] at 0x2000, n = 3 at 0x2008. */
const memory = new Map<bigint, bigint>([
  [0x1000n, 0xffff_fffbn | (0x57n << 32n)], [0x1018n, 7n], [0x1020n, 12n], [0x1038n, 9n],
  [0x2000n, 0x1020n], [0x2008n, 3n],
]);
const names: Record<string, Value> = {
  journals: { lin: 0x1000n, type: { kind: "array", bytes: 64, of: journal, count: 2 } },
  first: { lin: 0x2000n, type: pointer(journal) },
  n: { lin: 0x2008n, type: u64 },
  bad: { lin: 0x9000n, type: pointer(journal) },
  face: { lin: 0x2008n, type: u64 },
  "$1": { number: 0x5n },
  "$dio": { lin: 0x1000n, type: journal },
  "f": { lin: 0x4000n, type: { kind: "function", bytes: 1 } },
};
const types: Record<string, Type> = { "struct journal": journal, journal, u64, u32, int: s32 };
const scope: Scope = {
  lookup: (name) => (Object.hasOwn(names, name) ? names[name] : undefined),
  type: (name) => types[name],
  number: (lin, bytes = 8) => {
    const word = memory.get(lin & ~7n);
    return word === undefined ? undefined
      : BigInt.asUintN(bytes * 8, word >> (8n * (lin & 7n)));
  },
};
const worth = (text: string) => numberOf(valueOf(text, scope), scope);

it.each<[string, bigint]>([
  ["1+2*3", 7n], ["(1+2)*3", 9n], ["10-2-3", 5n], ["1<<4|3", 0x13n], ["6&3+1", 4n],
  ["~0&0xff", 255n],
  ["7%4", 3n], ["-7/2", -3n], ["!0+!5", 1n], ["3>2==1", 1n], ["2 <= 1", 0n], ["5^1", 4n],
  // As in the bug report's session: seconds blocked, and a physical block by its number
  ["(0xac6c8e38db3 - 0xa6346839bb6) / 1000000000", 427n],
  ["(0x420917ddc2d-0x2c50250db37)/1000000000", 1492n],
  // Digits alone are decimal, with a letter among them an address
  ["1000000", 1_000_000n], ["1010012b800", 0x1010012b800n], ["100+0x10", 116n], ["face", 3n],
  ["n", 3n], ["$1 * n", 15n], ["n*-1", -3n], ["&n", 0x2008n], ["*&n", 3n], ["&*first", 0x1020n],
  ["journals[0].j_errors", -5n], ["journals[1].j_tid", 9n], ["first->j_tid", 9n],
  ["(*first).j_tid", 9n], ["first.j_tid", 9n], ["first[-1].j_tid", 7n], ["(first-1)->j_tid", 7n],
  ["journals[0].j_flags", 5n], ["&journals[1].j_wait", 0x1028n], ["journals + 1", 0x1020n],
  ["first - journals", 1n], ["&first->j_wait.prev", 0x1030n], ["journals[n-2].j_tid", 9n],
  ["((struct journal *)0x1020)->j_tid", 9n], ["((journal *)0x1000)[1].j_tid", 9n],
  ["*(u64*)0x2008", 3n], ["(u32)0x1ffffffff", 0xffff_ffffn], ["(int)0xffffffff", -1n],
  ["&((struct journal *)0)->j_wait", 8n], ["sizeof(struct journal)*2", 64n], ["sizeof n", 8n],
  ["(n)*2", 6n], ["($dio+0x20)==&journals[1]", 1n], ["f", 0x4000n], ["&f+0", 0x4000n],
])("%s", (text, expected) => {
  expect(worth(text)).toBe(expected);
});

it("knows what a result is", () => {
  expect(valueOf("&first->j_wait", scope).type).toMatchObject({ kind: "pointer",
    to: { name: "list_head" } });
  expect(valueOf("*first", scope)).toMatchObject({ lin: 0x1020n, type: { name: "journal" } });
  expect(valueOf("(journal *)0x1000 + 1", scope)).toMatchObject({ number: 0x1020n });
});

it.each([
  ["1+", /did not expect its end/], ["(1", /"\)" is missing/], ["1 2", /did not expect "2"/],
  ["1 @ 2", /"@ 2" is no part/], ["1/0", /1 \/ 0 has no value/], ["1<<64", /has no value/],
  ["nothing+1", /^nothing: neither an address/], ["$9", /no such result/],
  ["*5", /needs a pointer/], ["n->x", /u64 has no member x/], ["journals[2]", /no element 2/],
  ["(struct none *)1", /no type struct none/], ["&5", /& needs/], ["first->", /name is missing/],
  ["(struct journal)5", /no type for a number/], ["bad->j_tid", /nothing is mapped/],
  ["", /its end/],
])("%s is refused in a sentence", (text, message) => {
  expect(() => worth(text)).toThrow(message);
});

describe("pipes", () => {
  const lines = ["  [4]: 104", "  [14]: 105", "/data1 x+y", "oracle", "ORACLE"];
  const through = (filter: string) => filterOf(filter)(lines);

  it("a | in quotes or parentheses leads nowhere", () => {
    expect(splitAt('px (1|2) | grep "a|b" | wc -l', "|")).toEqual(
      ["px (1|2)", 'grep "a|b"', "wc -l"]);
    expect(splitAt("px (1; sys | grep 'a;b'", ";")).toEqual(["px (1", "sys | grep 'a;b'"]);
  });

  it("grep, wc, head, tail", () => {
    expect(through(String.raw`grep "\[4\]"`)).toEqual([lines[0]]);
    expect(through('grep ": 10"')).toEqual(lines.slice(0, 2));
    expect(through("grep -v 4")).toEqual(lines.slice(2));
    expect(through("grep -i oracle")).toEqual(lines.slice(3));
    expect(through("grep -iv ORACLE")).toEqual(lines.slice(0, 3));
    expect(through("grep -c oracle")).toEqual(["1"]);
    expect(through("grep x+y")).toEqual([lines[2]]);
    expect(through(String.raw`grep "^o\|^O"`)).toEqual(lines.slice(3));
    expect(through("wc -l")).toEqual(["5"]);
    expect(through("head -2")).toEqual(lines.slice(0, 2));
    expect(through("tail -n 1")).toEqual(["ORACLE"]);
    expect(through("tail -0")).toEqual([]);
    expect(through("head")).toEqual(lines);
  });

  it("another one is refused", () => {
    for (const wrong of ["less", "wc", "grep", "head -x", "grep a b", "grep '['", ""]) {
      expect(() => filterOf(wrong), wrong).toThrow(/usage|what a pipe leads to|no regular/);
    }
  });
});
