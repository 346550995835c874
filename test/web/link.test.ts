// What the page takes from a link: names that it knows, numbers within limits, plain text.
import { describe, expect, it } from "vitest";
import { askedOf, DEFAULTS, hashOf } from "../../src/web/page/state.ts";

describe("what a link may say", () => {
  it("is known names, and numbers within limits", () => {
    const asked = askedOf("#left=zen&right=uni1&variant=fixed&memory=sc&seeds=99&rounds=7");
    expect(asked).toEqual({
      ...DEFAULTS, left: "zen", variant: "fixed", memory: "sc", seeds: 50,
      rounds: 100,
    });
    const other = askedOf("#case=003&caseWorkload=W002b&caseMachine=/etc&caseSeed=7&caseSeeds=0");
    expect(other).toEqual({ ...DEFAULTS, case: "003", caseSeed: 7, caseSeeds: 1 });
    expect(askedOf("#stop=99&leftPair=-1&leftSeed=77&leftCycle=5000000000&rightCycle=1e3"))
      .toEqual({ ...DEFAULTS, stop: 8, leftSeed: 50, leftCycle: 5_000_000_000 });
  });

  it("comes back from what it gives", () => {
    const asked = { ...DEFAULTS, right: "nehalem-ep", seeds: 7 };
    expect(askedOf(hashOf(asked))).toEqual(asked);
    expect(hashOf(DEFAULTS)).toBe("");
  });

  it("is a litmus test of printable characters, not too long", () => {
    const litmus = "X86_64 SB\n{}\n P0 ;\n";
    expect(askedOf(hashOf({ ...DEFAULTS, litmus })).litmus).toBe(litmus);
    expect(askedOf(`#litmus=${"x".repeat(99_999)}`).litmus).toHaveLength(4000);
    expect(askedOf("#litmus=a%E2%80%AEb").litmus).toBe("");
  });

  it.each(["#left=__proto__&variant=constructor", "#seeds=-1&rounds=1e9", "#%00%ff", "#=&&&="])(
    "%s is nothing", (hash) => expect(askedOf(hash)).toEqual(DEFAULTS));
});
