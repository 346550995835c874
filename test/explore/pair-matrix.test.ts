// Case 003's repairs and the pairs of case M, every interleaving of compiled functions: which of
// them hang, and which use what was freed. Under sequential consistency a missing fence never
// shows; a missing lock does.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { case003 } from "../../src/cases/003.ts";
import { caseModern } from "../../src/cases/modern.ts";
import { type PairCell, pairMatrix, PAIRS } from "../../src/cases/pair-matrix.ts";
import { packageRoot } from "../../src/core/root.ts";
import { ask } from "../../src/engine/explore-image.ts";

const NAME = "explore.elf";
const image = {
  name: NAME, bytes: readFileSync(join(packageRoot(), "workloads", "prebuilt", NAME)),
};

async function cellsOf(id: string): Promise<PairCell[]> {
  const begun = performance.now();
  const cells: PairCell[] = [];
  for await (const cell of pairMatrix(image, PAIRS[id])) cells.push(cell);
  const states = cells.reduce((sum, cell) => sum + cell.states, 0);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${id}: ${cells.length} explorations, ${states} machine states, ${seconds} s`);
  return cells;
}

/** What is shown again ends as it was told. */
async function witnessed(cells: readonly PairCell[]): Promise<void> {
  for (const { entries, alive, memory: model, verdict, useAfterFree, schedule, late } of cells) {
    expect(schedule !== undefined, entries).toBe(verdict === "hang");
    expect(late !== undefined, entries).toBe(useAfterFree);
    if (schedule) {
      const { failure } = await ask(image, { entries, model, replay: schedule });
      expect(failure!.verdict, entries).toBe("stuck");
    }
    if (late) {
      const { failure } = await ask(image, { entries, model, predicate: alive, replay: late });
      expect(failure!.verdict, entries).toBe("wrong");
    }
  }
}

/** In order and on x86-TSO. H: hangs; U: uses what was freed; `.`: neither. */
const REPAIRS = {
  bug: ["H H"], f0: [". .", ". ."], f1: [". ."], x1: ["H H"], x2: ["H H"], x2b: ["H H"],
  x3: ["HU HU"], x4: ["U U"], x5: ["U HU"], x6: ["U HU"], x6b: ["U HU"], x7: ["U U", "U U"],
};

const letters = ({ verdict, useAfterFree }: PairCell) =>
  `${verdict === "hang" ? "H" : ""}${useAfterFree ? "U" : ""}` || ".";

it("case 003: only the lock gives a lifetime, and a fence is enough for the wake-up", async () => {
  const cells = await cellsOf("003");
  const found: Record<string, string[]> = {};
  for (let i = 0; i < cells.length; i += 2) {
    const [inOrder, tso] = cells.slice(i, i + 2);
    (found[tso.id] ??= []).push(`${letters(inOrder)} ${letters(tso)}`);
  }
  expect(found).toEqual(REPAIRS);
  // What the case says of the hang: does it come about in order, too?
  for (const [variant, pairs] of Object.entries(found)) {
    const ever = pairs.some((one) => one.includes("H"));
    expect(case003.inOrder!({ variant, workload: "W003" })?.fails, variant)
      .toBe(ever ? pairs[0].startsWith("H") : undefined);
  }
  await witnessed(cells);
});

/** The pairs of fences with which nobody sleeps for ever. */
const SAFE: Record<string, string[]> = {
  "M1 wait queue": ["mb mb", "mb locked"],
  "M4 SQPOLL": ["mb mb", "mb locked"],
  "M5 virtio": ["mb locked"],
  "M6 eventfd": ["none none", "none mb", "mb none", "mb mb"],
  "M7 mutex": ["mb mb", "mb locked"],
  "M8 bit": ["mb mb", "mb locked", "locked mb", "locked locked"],
};

it("case M: a full fence on both sides, and nothing less", async () => {
  const cells = await cellsOf("M");
  const pairs = cells.filter(({ alive }) => alive === undefined);
  expect(pairs.filter(({ memory, verdict }) => memory === "sc" && verdict !== "safe")).toEqual([]);
  for (const workload of Object.keys(caseModern.workloads).filter((name) => name !== "wM2")) {
    expect(pairs.some(({ id }) => `w${id.split(" ")[0]}` === workload), workload).toBe(true);
    expect(caseModern.inOrder!({ variant: "none/or", workload })?.fails, workload).toBe(false);
  }
  const found: Record<string, string[]> = {};
  for (const { id, sides, memory, verdict } of pairs) {
    if (memory === "tso" && verdict === "safe") (found[id] ??= []).push(sides.join(" "));
  }
  expect(found).toEqual(SAFE);
  const unlinking = cells.filter(({ id }) => id === "M2 fs/aio");
  expect(unlinking.length).toBe(8);
  for (const { sides: [order], verdict } of unlinking) {
    expect(verdict).toBe(order === "unlink, wake" ? "use-after-free" : "safe");
  }
  await witnessed(cells);
});

/** The oracle itself: without the fences of the right repair its pair hangs. */
it("judges the machine code that it is given", async () => {
  const right = PAIRS["003"].find(({ id, sides }) => id === "x7" && sides[1] === "publish, mb")!;
  const bytes = new Uint8Array(image.bytes);
  const mfence = [0x0f, 0xae, 0xf0];
  for (let at = 0; at + 3 < bytes.length; at++) {
    if (mfence.every((byte, i) => bytes[at + i] === byte)) bytes.set([0x0f, 0x1f, 0x00], at);
  }
  const cells: PairCell[] = [];
  for await (const cell of pairMatrix({ name: NAME, bytes }, [right])) cells.push(cell);
  expect(cells.map(({ verdict }) => verdict)).toEqual(["use-after-free", "hang"]);
});
