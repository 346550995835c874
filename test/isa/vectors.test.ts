// Every instruction that a program can run does what silicon did: registers, defined flags, memory,
// segment bases, where it goes, and whether it faults. The vectors are committed; with
// SMPBOX_TAKE_VECTORS set (scripts/take-vectors.mjs) they are taken from this host first.
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { emulate, userBox } from "./emulate.ts";
import { FAMILIES } from "./families.ts";
import { ReplayBox } from "./replay.ts";
import { implementedRows, rowKey, WITHOUT_VECTORS } from "./rows.ts";
import { buildSilicon, runSilicon } from "./silicon.ts";
import { DATA_BYTES, SILICON_DATA, States } from "./state.ts";
import { casesOf, differences, encode, sampleOf, vectorFile, vectorsOf } from "./vectors.ts";

const VECTORS_MIN = 100_000;
const BYTES_MAX = 8 << 20;
/** Of the vectors, one in so many is replayed where it stalls: all of them in a long run. */
const REPLAY_ONE_IN = process.env.FUZZ_CASES ? 1 : 4;
const SEED = Number(process.env.FUZZ_SEED ?? 1);
const RSP = 4;
const RBP = 5;
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

describe("like it, whatever stalls", () => {
  const replayed = new ReplayBox();
  let count = 0;

  it.each(FAMILIES)("$name", (family) => {
    const { cases, golden } = sampleOf(family, REPLAY_ONE_IN, SEED);
    expect(differences(cases, replayed.replay(cases, SEED), golden)).toEqual([]);
    count += cases.count;
  });

  it("ENTER of every level, whose frame may be larger than the store buffer", () => {
    const cases = new States(3 * 32);
    for (let i = 0; i < cases.count; i++) {
      const s = cases.select(i);
      s.code = [0xc8, 0x20, 0x00, i % 32];
      s.flags = 0x202;
      s.setReg(RSP, SILICON_DATA + 0x180);
      s.setReg(RBP, SILICON_DATA + 0x1c0);
      for (let n = 0; n < DATA_BYTES / 8; n++) s.setData(n, n, i);
    }
    expect(differences(cases, replayed.replay(cases), emulate(box, cases))).toEqual([]);
    count += cases.count;
  });

  it("meets every kind of stall", () => {
    // Loads, fetches, a full buffer, drains, locks, partial forwarding (assembly/memory/core.ts)
    expect(replayed.stalls).toBe(0b1111110);
    expect(replayed.stalled).toBe(count);
    console.log(`${count} vectors replayed, all of which stalled`);
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
