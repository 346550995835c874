// Which bytes of a line are a field: what the types know as a memory location, and else what the
// narrowest accesses take for one. An access over several makes them no single field.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import * as abi from "../../assembly/abi.ts";
import { type Access, C2C_OPTIONS, type Cell, collect } from "../../src/engine/c2c.ts";
import { Machine } from "../../src/engine/machine.ts";
import { locationAt } from "../../src/machine/dwarf/location.ts";
import { type Member, pathAt, type Type } from "../../src/machine/dwarf/types.ts";
import { c2cDocument, c2cOf, c2cText, hints } from "../../src/report/c2c.ts";
import { fieldsOf, type Layout } from "../../src/report/c2c-fields.ts";
import { sharedLines } from "../../src/report/c2c-lines.ts";
import { isIdle } from "../../src/report/c2c-pareto.ts";
import { Names } from "../../src/report/names.ts";
import { buildProgram } from "../support/program.ts";
import { hasTool } from "../support/tools.ts";

const folder = mkdtempSync(join(tmpdir(), "smpbox-c2c-fields-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Machine.shutdown();
});

const LINE = 0x1000;
/** With `place`, three accesses of the first CPU are HITMs because another wrote there. */
function cell(
  offset: number, bytes: number, access: Access, cpus: [number, number][], place?: number,
): Cell {
  const [[first]] = cpus;
  const falseHitms = place === undefined ? [] : [[first, new Map([[place, 3]])] as const];
  const sources = new Uint32Array(abi.SOURCE_LIMIT);
  sources[abi.SERVED_L1] = cpus.reduce((sum, [, count]) => sum + count, 0);
  return {
    offset, bytes, access, rip: 0x100 + offset * 8 + bytes, cpus: new Map(cpus),
    sources, waited: new Float64Array(abi.SOURCE_LIMIT),
    hitms: new Map(falseHitms.map(([cpu]) => [cpu, 3])), falseHitms: new Map(falseHitms),
  };
}
/** Fields as "name offset+bytes: users, offset+bytes of its cells". */
const told = (cells: Cell[], layout: Layout) => fieldsOf(LINE, cells, layout).map((field) =>
  `${field.name} ${field.offset}+${field.bytes}: ${[...field.users].join(",")}; ` +
  field.cells.map(({ offset, bytes }) => `${offset}+${bytes}`).join(" "));

/** Nothing is known but where the line is. */
const bare: Layout = {
  data: (phys) => `@${phys - LINE}`,
  locationAt: () => undefined,
};
/** The line is a struct of u32 from `from` to `to`, and no more is known. */
const words = (from: number, to: number): Layout => ({
  data: (phys) => `w${(phys - LINE) / 4}`,
  locationAt: (phys) => {
    const at = phys - LINE;
    return at >= from && at < to ? { phys: phys - (at % 4), bytes: 4 } : undefined;
  },
});

describe("fields", () => {
  const cells = () => [
    cell(0, 8, "stores", [[0, 1]]), cell(8, 8, "stores", [[0, 1]]),
    cell(0, 4, "stores", [[0, 90]]), cell(4, 4, "locked", [[2, 90]]),
  ];

  it("are the members that the types know; who touches two of them joins none", () => {
    expect(told(cells(), words(0, 16))).toEqual([
      "w0 0+4: 0; 0+4", "w0 to w1 0+8: 0; 0+8", "w1 4+4: 2; 4+4", "w2 to w3 8+8: 0; 8+8",
    ]);
    // A member and padding; a part of a member
    expect(told([cell(0, 8, "loads", [[1, 1]]), cell(1, 1, "loads", [[2, 1]])], words(0, 4)))
      .toEqual(["w0 0+4: 2,1; 1+1 0+8"]);
  });

  it("are what the narrowest accesses take for one where no type tells", () => {
    expect(told(cells(), bare)).toEqual([
      "@0 0+4: 0; 0+4", "@0 to @4 0+8: 0; 0+8", "@4 4+4: 2; 4+4", "@8 8+8: 0; 8+8",
    ]);
    // Of three words, one of which nobody touches by itself
    expect(told([
      cell(0, 12, "loads", [[1, 1]]), cell(0, 4, "stores", [[0, 1]]), cell(2, 4, "loads", [[2, 1]]),
    ], bare)).toEqual(["@0 0+4: 0,2,1; 0+4 2+4 0+12"]);
  });

  it("reach no further than their line", () => {
    const whole: Layout = { data: () => "it", locationAt: () => ({ phys: LINE - 8, bytes: 96 }) };
    expect(told([cell(60, 4, "loads", [[1, 1]])], whole)).toEqual(["it 0+64: 1; 60+4"]);
  });

  it("are not falsely shared with themselves", () => {
    const [field] = fieldsOf(LINE, [cell(0, 1, "loads", [[1, 9]], 3)], words(0, 16));
    expect([field.hitms, field.falseHitms, field.neighbours.size]).toEqual([3, 0, 0]);
    const [other] = fieldsOf(LINE, [cell(0, 1, "loads", [[1, 9]], 4)], words(0, 16));
    expect([other.falseHitms, [...other.askers], [...other.neighbours]]).toEqual([3, [1], [4]]);
  });
});

it("a hint tells places of one name by their addresses", () => {
  const stack: Layout = { data: () => "stack of a[1]", locationAt: () => undefined };
  const cells = [cell(0, 8, "loads", [[1, 3]], 8), cell(8, 8, "stores", [[0, 3]])];
  const line = { phys: LINE, hitms: 3, cells: new Map(cells.map((one, i) => [i, one])) };
  const lines = sharedLines(new Map([[LINE, line]]), stack);
  const text = hints(lines, { linear: (phys) => BigInt(phys + 0x70000000) }).join(" ");
  expect(text.replace(/\s+/g, " ")).toContain(
    "3 of its 3 HITMs fetched data that no other CPU had written since the one that asked " +
    "accessed them last: stack of a[1] (CPU 1: 3, for stack of a[1] at 0x70001008).");
});

it("a field has no part in its line that is only read or set up, and makes no HITM", () => {
  const idle = (...cells: Cell[]) => {
    const fields = fieldsOf(LINE, cells, words(0, 64));
    return fields.filter((field) => isIdle(fields, field)).map(({ name }) => name);
  };
  const busy = cell(0, 4, "stores", [[0, 1000]]);
  const stored = (count: number) => cell(4, 4, "stores", [[1, count]]);
  expect(idle(busy)).toEqual([]);
  expect(idle(busy, cell(4, 4, "loads", [[1, 1000]]))).toEqual(["w1"]);
  expect(idle(busy, stored(19))).toEqual(["w1"]);
  expect(idle(busy, stored(25))).toEqual([]);
  expect(idle(busy, cell(4, 4, "locked", [[1, 25]]))).toEqual([]);
  // Once by each of two instructions, of a line that has few stores
  expect(idle(cell(0, 4, "stores", [[0, 2]]), stored(1), cell(4, 2, "stores", [[1, 1]])))
    .toEqual(["w1"]);
  expect(idle(cell(0, 4, "stores", [[0, 2]]), stored(2))).toEqual([]);
  // A HITM of its own, and one of another field for its sake
  expect(idle(busy, cell(4, 4, "loads", [[1, 3]], 0))).toEqual([]);
  expect(idle(busy, stored(1), cell(8, 4, "loads", [[0, 3]], 4))).toEqual([]);
});

describe("a memory location", () => {
  const base = (bytes: number): Type => ({ kind: "base", name: "", bytes, encoding: 7 });
  const member = (name: string, type: Type, at: number): Member => ({ name, type, at });
  const struct = (bytes: number, members: Member[], kind: "struct" | "union" = "struct"): Type =>
    ({ kind, name: "", bytes, members });
  /** "at+bytes path" of the location at each byte, once; "-" where there is none. */
  const locations = (type: Type) => [...new Set(Array.from({ length: type.bytes }, (_, offset) => {
    const found = locationAt(type, offset);
    const path = pathAt(type, found?.at ?? offset);
    return found ? `${found.at}+${found.bytes} ${path}` : `-${path}`;
  }))];

  it("is a scalar, wherever it is in what", () => {
    const pair = struct(8, [member("x", base(4), 0), member("y", base(1), 4)]);
    const array: Type = { kind: "array", bytes: 16, of: pair, count: 2 };
    expect(locations(struct(24, [member("p", array, 8)]))).toEqual([
      ...Array.from({ length: 8 }, (_, i) => (i ? `-+0x${i}` : "-")),
      "8+4 .p[0].x", "12+1 .p[0].y", "-.p[0]+0x5", "-.p[0]+0x6", "-.p[0]+0x7",
      "16+4 .p[1].x", "20+1 .p[1].y", "-.p[1]+0x5", "-.p[1]+0x6", "-.p[1]+0x7",
    ]);
  });

  it("is all bit fields side by side", () => {
    // As DWARF 5 has them: bits from the start of the struct
    const bits = (name: string, first: number, count: number): Member =>
      ({ name, type: base(4), at: 0, bits: { first, count } });
    const type = struct(16, [
      member("a", base(4), 0), bits("b", 32, 3), bits("c", 35, 20), member("d", base(1), 7),
      bits("e", 64, 5), member("f", base(4), 12),
    ]);
    expect(locations(type)).toEqual([
      "0+4 .a", "4+3 .b|c", "7+1 .d", "8+1 .e", "-+0x9", "-+0xa", "-+0xb", "12+4 .f",
    ]);
    // Between b and c there is a ":0": c had room behind b. Behind c there was none for d.
    const apart = struct(12, [
      bits("a", 0, 8), bits("b", 8, 8), bits("c", 32, 12), bits("d", 64, 24),
    ]);
    expect(locations(apart)).toEqual([
      "0+2 .a|b", "-+0x2", "-+0x3", "4+7 .c|d", "-+0xb",
    ]);
  });

  it("of a union is that on which its members agree", () => {
    const halves = struct(8, [member("low", base(4), 0), member("high", base(4), 4)]);
    expect(locations(struct(8, [member("whole", base(8), 0), member("half", halves, 0)], "union")))
      .toEqual(["-.whole|half.low", ...["0x1", "0x2", "0x3"].map((at) =>
        `-.whole+${at}|half.low+${at}`), "-.whole+0x4|half.high", ...[1, 2, 3].map((i) =>
        `-.whole+0x${4 + i}|half.high+0x${i}`)]);
    const counter = struct(4, [member("counter", base(4), 0)]);
    expect(locations(struct(4, [member("a", base(4), 0), member("b", counter, 0)], "union")))
      .toEqual(["0+4 .a|b.counter"]);
  });

  it("is in an array without a length, too", () => {
    const open: Type = { kind: "array", bytes: 0, of: base(4), count: 0 };
    const type = struct(4, [member("count", base(4), 0), member("slots", open, 4)]);
    expect(locationAt(type, 13)).toEqual({ at: 12, bytes: 4 });
    expect(locationAt(base(4), 4)).toBeUndefined();
  });
});

const ROUNDS = 3000;
const PAIR = `
#include <mini.h>
static struct { volatile u32 sent, received; } near LINE_ALIGNED;
static struct thread other;
static void second(void *unused)
{
  (void)unused;
  pin_to_cpu(2);
  for (u32 i = 0; i < ${ROUNDS}; i++)
    near.received = i;
}
int main(void)
{
  pin_to_cpu(0);
  thread_start(&other, second, 0);
  for (u32 i = 0; i < ${ROUNDS}; i++)
    near.sent = i;
  thread_join(&other);
  return 0;
}
`;

const gcc = hasTool("gcc", "gcc");
it.skipIf(!gcc)("two words side by side that one instruction zeroed are told apart", async () => {
  const image = buildProgram(folder, "pair", PAIR);
  const machine = await Machine.create({ image, ...C2C_OPTIONS });
  const { lines } = await collect(machine);
  const names = new Names(machine);
  const report = c2cOf(lines, machine.counters(), machine.preset, names);
  const document = c2cDocument(report, names);
  const text = c2cText(report, names, Infinity);
  machine.close();
  const index = document.lines.findIndex(({ fields }) =>
    fields.some(({ name }) => name === "near.sent"));
  const { fields, falseSharing } = document.lines[index];
  const of = (name: string) => {
    const { bytes, users, writers, instructions } = fields.find((field) => field.name === name)!;
    return { bytes, users, writers, at: instructions.map(({ symbol }) => symbol) };
  };
  expect(of("near.sent")).toEqual({ bytes: 4, users: [0], writers: [0], at: ["main"] });
  expect(of("near.received")).toEqual({ bytes: 4, users: [2], writers: [2], at: ["second"] });
  expect(of("near.sent to near.received"))
    .toEqual({ bytes: 8, users: [0], writers: [0], at: ["memset"] });
  expect([...falseSharing!.fields].sort()).toEqual(["near.received", "near.sent"]);
  const said = text.replace(/\s+/g, " ");
  const count = (name: string) => fields.find((field) => field.name === name)!.falseHitms;
  expect(said).toContain(`near.sent (CPU 0: ${count("near.sent")}, for near.received)`);
  expect(said).toContain(`near.received (CPU 2: ${count("near.received")}, for near.sent)`);

  // What the page's zeroing alone touched is one row; the JSON document has all of it.
  const rows = text.split("\n");
  const from = rows.findIndex((row) => new RegExp(`  line ${index}, `).test(row)) + 2;
  const shown = rows.slice(from, rows.findIndex((row, i) => i > from && /^---/.test(row)));
  const heads = shown.flatMap((row) => /^ {2}(\S.*), CPUs [\d,]+$/.exec(row)?.[1] ?? []);
  expect(heads).toEqual(["near.sent", "near.received"]);
  const more = /^( +\d+\.\d%){5}  and (\d+) more fields \(--json\)$/.exec(shown.at(-1)!);
  expect(Number(more![2])).toBe(fields.length - heads.length);
  expect(fields.length).toBeGreaterThan(8);
  expect(shown.filter((row) => /memset/.test(row))).toEqual([]);

  // The code of the kernel that starts a CPU is below all programs.
  const images = new Map(document.lines.flatMap((line) => line.fields)
    .flatMap(({ instructions }) => instructions).map((one) => [one.symbol, one]));
  expect(images.get("ap_start")).toMatchObject({ sharedObject: "kernel" });
  expect(images.get("ap_start")!.source).toMatch(/\.S:\d+$/);
  expect(images.get("main")).toMatchObject({ sharedObject: "pair" });
  expect(images.get("memset")).toMatchObject({ sharedObject: "kernel" });
});
