// Verdicts that follow from others: against a rule that says of each placement whether it is safe,
// and with few questions asked of it.
import fc from "fast-check";
import { expect, it } from "vitest";
import { type Finding, survey } from "../../src/engine/barriers.ts";
import { type Choice, isFull } from "../../src/engine/lattice.ts";
import { BARRIERS, type Kind, type Placement, STORES } from "../../src/machine/sites.ts";

type Rule = (placement: Placement) => boolean;

async function surveyed(choices: readonly Choice[], safe: Rule) {
  let asked = 0;
  const explore = (placement: Placement): Finding => {
    asked++;
    return { verdict: safe(placement) ? "safe" : "broken", states: 1 };
  };
  const trials = await survey(choices, explore);
  return { trials, asked };
}

const barriers = (count: number, kinds: readonly Kind[] = BARRIERS) =>
  Array.from({ length: count }, (_, i): Choice => ({ name: `${i}`, kinds }));

it("asks a few questions about six sites, and has 46,656 answers", async () => {
  const rule: Rule = (placement) => isFull(placement.get("1")!) && isFull(placement.get("4")!);
  const { trials, asked } = await surveyed(barriers(6), rule);
  expect(trials.length).toBe(6 ** 6);
  expect(trials.every(({ placement, verdict }) => (verdict === "safe") === rule(placement)))
    .toBe(true);
  expect(trials.filter(({ minimal }) => minimal).length).toBe(9);
  expect(asked).toBeLessThan(40);
});

it("asks once where nothing helps, and a little where nothing is needed", async () => {
  expect((await surveyed(barriers(6), () => false)).asked).toBe(1);
  const needless = await surveyed(barriers(6), () => true);
  expect(needless.asked).toBeLessThan(20);
  expect(needless.trials.filter(({ minimal }) => minimal).length).toBe(1);
});

const RANK: Record<Kind, (other: Kind) => boolean> = {
  none: () => true, plain: () => true, mfence: isFull, lock: isFull, xchg: isFull,
  sfence: (other) => other === "sfence" || isFull(other),
  lfence: (other) => other === "lfence" || isFull(other),
};
const atMost = (a: Placement, b: Placement) =>
  [...a].every(([name, kind]) => RANK[kind](b.get(name)!));

/** Four sites, the last a store; safe is what has at least one of a few random placements. */
const someRule = fc.array(fc.tuple(
  fc.constantFrom(...BARRIERS), fc.constantFrom(...BARRIERS), fc.constantFrom(...BARRIERS),
  fc.constantFrom(...STORES)), { maxLength: 4 });

it("gives each placement the verdict of any rule that more order keeps", async () => {
  const choices: Choice[] = [...barriers(3), { name: "3", kinds: STORES }];
  await fc.assert(fc.asyncProperty(someRule, async (enough) => {
    const least = enough.map((kinds) =>
      new Map(kinds.map((kind, i) => [`${i}`, kind as Kind] as const)));
    const rule: Rule = (placement) => least.some((one) => atMost(one, placement));
    const { trials } = await surveyed(choices, rule);
    expect(trials.length).toBe(432);
    const safe = trials.filter(({ placement }) => rule(placement));
    for (const { placement, verdict, minimal } of trials) {
      expect(verdict === "safe").toBe(rule(placement));
      const weaker = safe.some((other) =>
        atMost(other.placement, placement) && !atMost(placement, other.placement));
      expect(minimal).toBe(verdict === "safe" && !weaker);
    }
  }), { numRuns: 30, seed: 1 });
});

it("asks of each class where a verdict says nothing of others", async () => {
  let asked = 0;
  const trials = await survey(barriers(4), () => {
    asked++;
    return { verdict: "safe", states: 1, loops: true };
  });
  expect(trials.length).toBe(6 ** 4);
  expect(asked).toBe(4 ** 4);
});
