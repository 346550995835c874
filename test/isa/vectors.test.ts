// Every instruction that a program can run does what silicon did: registers, defined flags, memory,
// segment bases, where it goes, and whether it faults. The vectors are committed; with
// SMPBOX_TAKE_VECTORS set (scripts/take-vectors.mjs) they are taken from this host first.
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { emulate, userBox } from "./emulate.ts";
import { FAMILIES } from "./families.ts";
import { implementedRows, rowKey, WITHOUT_VECTORS } from "./rows.ts";
import { buildSilicon, runSilicon } from "./silicon.ts";
import { casesOf, differences, encode, vectorFile, vectorsOf } from "./vectors.ts";

const VECTORS_MIN = 100_000;
const BYTES_MAX = 8 << 20;
const folder = dirname(vectorFile(FAMILIES[0]!));
const box = userBox();

if (process.env["SMPBOX_TAKE_VECTORS"]) {
  const silicon = buildSilicon();
  if (!("program" in silicon)) throw new Error(`no vectors from this host: ${silicon.reason}`);
  mkdirSync(folder, { recursive: true });
  for (const family of FAMILIES) {
    const cases = casesOf(family);
    writeFileSync(vectorFile(family), encode(cases, runSilicon(silicon.program, cases)));
  }
}

/** Rows that the families' cases are of. */
const covered = new Set<number>();
let vectors = 0;

describe("like the silicon of the vectors", () => {
  it.each(FAMILIES)("$name", (family) => {
    const { cases, golden } = vectorsOf(family);
    vectors += cases.count;
    for (let i = 0; i < cases.count; i++) covered.add(rowKey(box, cases.select(i).code));
    expect(differences(cases, emulate(box, cases), golden)).toEqual([]);
  });
});

it("has vectors for every opcode row that a program can run", () => {
  const excused = new Set(WITHOUT_VECTORS.map(([bytes]) => rowKey(box, bytes)));
  const rows = implementedRows(box);
  const missing = [...rows].filter(([key]) => !covered.has(key) && !excused.has(key));
  expect(missing.map(([, bytes]) => bytes.map((b) => b.toString(16)).join(" "))).toEqual([]);
  const idle = WITHOUT_VECTORS.filter(([bytes]) => covered.has(rowKey(box, bytes)));
  expect(idle, "excused rows that have vectors").toEqual([]);
  console.log(`${vectors} vectors of ${covered.size} opcode rows, ${excused.size} rows without`);
});

it("keeps to its size", () => {
  const sizes = readdirSync(folder).map((name) => statSync(`${folder}/${name}`).size);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(BYTES_MAX);
  expect(vectors).toBeGreaterThanOrEqual(VECTORS_MIN);
});
