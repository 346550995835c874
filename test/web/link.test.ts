// What the page takes from a link: names that it knows, numbers within limits, plain text.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import {
  type Asked, askedOf, DEFAULTS, hashOf, ignoredOf, LIMITS, MACHINES,
} from "../../src/web/page/state.ts";

describe("what a link may say", () => {
  it("is known names, and numbers within limits", () => {
    const asked = askedOf("#left=zen&right=uni9&variant=fixed&memory=sc&seeds=99&rounds=7");
    expect(asked).toEqual({
      ...DEFAULTS, left: "zen", variant: "fixed", memory: "sc", seeds: 50,
      rounds: 100,
    });
    const other = askedOf("#case=003&caseWorkload=W002b&caseMachine=/etc&caseSeed=7&caseSeeds=0");
    expect(other).toEqual({ ...DEFAULTS, case: "003", caseSeed: 7, caseSeeds: 1 });
    expect(askedOf("#stop=99&leftPair=-1&leftSeed=77&leftCycle=5000000000&rightCycle=1e3"))
      .toEqual({ ...DEFAULTS, stop: 8, leftSeed: 50, leftCycle: 5_000_000_000 });
  });

  it("is any machine that there is", () => {
    const files = readdirSync(join(packageRoot(), "src", "machine", "presets"));
    const names = files.flatMap((file) => /^(.*)\.json$/.exec(file)?.[1] ?? []).sort();
    expect(names).toContain("uni1");
    expect(MACHINES).toEqual(names);
    for (const name of names) expect(askedOf(`#left=${name}`).left).toBe(name);
  });

  it("is nothing else in any of its fields", () => {
    const numbers = Object.keys(LIMITS) as (keyof typeof LIMITS)[];
    const hostile = [
      "<img src=x onerror=alert(1)>", "javascript:alert(1)", "../../etc/passwd", "__proto__",
      "constructor", "-1", "1e9", "0x10", "1.5", "99999999999999999999", "NaN", " 7", "",
    ];
    for (const key of Object.keys(DEFAULTS) as (keyof Asked)[]) {
      if (key === "litmus") continue; // a text, below
      const gaps = key === "litmusFences" ? ["P0.1=", "P0.1=__proto__", "__proto__=mfence"] : [];
      for (const text of [...hostile, ...gaps]) {
        const asked = askedOf(`#${new URLSearchParams({ [key]: text })}`);
        expect(asked, `${key}=${text}`).toEqual(DEFAULTS);
        if (text) expect(ignoredOf(`#${key}=${encodeURIComponent(text)}`).keys).toEqual([key]);
      }
    }
    for (const key of numbers) {
      const [low, high] = LIMITS[key];
      expect(askedOf(`#${key}=999999999999`)[key], key).toBe(high);
      expect(askedOf(`#${key}=0`)[key], key).toBe(low);
    }
    const known = Object.keys(DEFAULTS).sort();
    expect(Object.keys(askedOf("#evil=1&toString=2&__proto__=3")).sort()).toEqual(known);
  });

  it("is told of where it was not taken, by names of the page's own", () => {
    expect(ignoredOf("#left=uni9&right=zen&seeds=99&rounds=500&caseWorkload=W002x"))
      .toEqual({ keys: ["left", "seeds", "caseWorkload"], unknown: 0 });
    expect(ignoredOf("#evil=1&toString=2&__proto__=3&evil=4&stop=1"))
      .toEqual({ keys: [], unknown: 3 });
    const fences = "P1.1=mfence,P0.1=lfence";
    const all = hashOf({ ...DEFAULTS, left: "zen", litmusFences: fences, litmus: "", rounds: 700 });
    expect(ignoredOf(all)).toEqual({ keys: [], unknown: 0 });
    expect(ignoredOf(`#litmusFences=${fences},P9.1=mfence`).keys).toEqual(["litmusFences"]);
    expect(ignoredOf("")).toEqual({ keys: [], unknown: 0 });
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

  it("is a litmus test's machine, number of runs, and fences in gaps that it has", () => {
    const litmus = "X86_64 one\n{}\n P0 | P1 ;\n movl $1,(x) | movl $1,(y) ;\n" +
      " movl (y),%eax | nop ;\nexists (0:rax=0)\n";
    const fences = (text: string, other = {}) =>
      askedOf(hashOf({ ...DEFAULTS, litmusFences: text, ...other })).litmusFences;
    const both = "P0.1=mfence,P1.1=lfence";
    const asked: Asked = {
      ...DEFAULTS, litmusMachine: "zen", litmusRuns: 100_000, litmusFences: both,
    };
    expect(askedOf(hashOf(asked))).toEqual(asked);
    expect(fences("P1.1=lfence,P0.1=mfence")).toBe(both);
    expect(fences(`P0.2=mfence,P9.1=mfence,<b>,P0.1=cpuid,${both},P1.1=none,P1.1=`)).toBe(both);
    expect(fences("P0.1=none,P0.1,=mfence,P0.1=mfence=,p0.1=mfence, P1.1=mfence")).toBe("");
    expect(fences(both, { litmus })).toBe("P0.1=mfence");
    expect(fences(both, { litmus: "no test" })).toBe("");
    expect(fences(`${"P9.9=mfence,".repeat(9999)}P0.1=mfence`)).toBe("");
    expect(askedOf("#litmusRuns=999999&litmusMachine=uni9")).toEqual(DEFAULTS);
    expect(askedOf("#litmusRuns=1000").litmusRuns).toBe(1000);
  });

  it.each(["#left=__proto__&variant=constructor", "#seeds=-1&rounds=1e9", "#%00%ff", "#=&&&="])(
    "%s is nothing", (hash) => expect(askedOf(hash)).toEqual(DEFAULTS));
});
