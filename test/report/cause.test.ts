// What smpbox case says of the cause of a failure: what was tested, and whether fences repair it.
// What the cases say of their code in order is proved in test/explore.
import { afterAll, describe, expect, it } from "vitest";
import { case000 } from "../../src/cases/000.ts";
import { case001 } from "../../src/cases/001.ts";
import { case002 } from "../../src/cases/002.ts";
import { case003 } from "../../src/cases/003.ts";
import { case004 } from "../../src/cases/004.ts";
import type { Case, Failure } from "../../src/cases/case.ts";
import { caseModern } from "../../src/cases/modern.ts";
import { Machine } from "../../src/engine/machine.ts";
import { causeText } from "../../src/report/cause.ts";
import { failed } from "./report-tools.ts";

afterAll(() => Machine.shutdown());

const text = (definition: Case, failure: Partial<Failure>, part: {
  variant?: string; memory?: "tso" | "sc"; workload?: string;
} = {}) => {
  const { buggy: variant, workload } = definition;
  const spec = { variant, workload, memory: "tso" as const, ...part };
  return causeText(definition, spec, { invariant: "", what: "", events: [], cause: "not recorded",
    ...failure });
};
const REPLAYED = "immediate drains, the load that decided reads another value";
/** Of the seeds 1 to 12 eight hang, five of them because of a store buffer: 1, 2, 5, 6 and 10. */
const BUFFERED_SEED = 1n;
const TOO = "without store buffers the code fails, too";

describe("of real runs", () => {
  it("003: the store buffer had a part in it, and no fence repairs it", async () => {
    const { session, failure } = await failed(case003, {
      machine: "rhel16", variant: "bug", workload: "W003c", pair: [0, 1], rounds: 100,
      memory: "tso",
    }, 1n, BUFFERED_SEED);
    session.machine.close();
    expect(failure).toMatchObject({ cause: "store buffer" });
    const said = text(case003, failure);
    expect(said).toContain(REPLAYED);
    expect(said).toMatch(/fails, too \(smpbox barriers 003 --matrix\), so no fence repairs it\.$/);
  }, 60_000);

  it("001: the store buffer, and fences repair it", async () => {
    const { session, failure } = await failed(case001, {
      machine: "clovertown", variant: "k0", workload: "W001i", pair: [0, 2], rounds: 2000,
      memory: "tso",
    });
    session.machine.close();
    const said = text(case001, failure);
    expect(said).toContain(REPLAYED);
    expect(said).toContain("never fails so (smpbox barriers 001 --matrix): fences repair it.");
  }, 60_000);

  it("004: an order of steps that is as wrong without store buffers", async () => {
    const { session, failure } = await failed(case004, {
      machine: "rhel16", variant: "bug", workload: "W004", pair: [0, 1], rounds: 100,
      memory: "tso",
    });
    session.machine.close();
    const said = text(case004, failure);
    expect(said).toMatch(/^Interleaving: .*drains, the load that decided reads the same\. /);
    expect(said).toMatch(/no fence repairs it\.$/);
  }, 60_000);
});

describe("what is said", () => {
  it("of a store buffer: a fence is promised only where the code never fails in order", () => {
    const buffer = { cause: "store buffer" } as const;
    for (const definition of [case000, case002, case003]) {
      const said = text(definition, buffer);
      expect(said).toContain(TOO);
      expect(said).not.toContain("fences repair it");
    }
    expect(text(case003, buffer, { variant: "x5" })).toContain("fences repair it");
    const unknown = text(case000, buffer, { variant: "x2" });
    expect(unknown).toContain(REPLAYED);
    expect(unknown).toContain("nor that a fence would help");
    expect(unknown).not.toContain("repair");
    expect(text(caseModern, buffer)).toContain("never fails so (smpbox barriers M --matrix)");
  });

  it("of an interleaving: what was executed again, and what was not", () => {
    const order = { cause: "interleaving" } as const;
    expect(text(case001, order)).toMatch(/the load that decided reads the same\.$/);
    expect(text(caseModern, { ...order, causeFrom: "order" }, { workload: "wM2" }))
      .toMatch(/nothing was executed again\..*\(smpbox barriers wM2\), so no fence repairs it\.$/);
    expect(text(case000, order, { memory: "sc" }))
      .toBe("Interleaving: with --memory sc there is no store buffer.");
  });

  it("where nothing is known of the order", () => {
    expect(text(case002, { cause: "no race" })).toMatch(/^No race: .* was through with/);
    expect(text(case001, {})).toContain("the trace does not hold what would tell");
  });
});
