// Case M: its variants' names.
import { describe, expect, it } from "vitest";
import { caseModern } from "../../src/cases/modern.ts";

describe("case M", () => {
  it("knows a variant by what the publisher and the sleeper have", () => {
    expect(caseModern.variantOf("bug")).toBe("none/or");
    expect(caseModern.variantOf("MB/none")).toBe("mb/none");
    expect(caseModern.variantOf("or/mb")).toBe("or/mb");
    expect(caseModern.describeVariant("wmb/or"))
      .toBe("between store and look the publisher has SFENCE, the sleeper its store by a locked " +
        "instruction");
  });

  it.each(["mb", "and/mb", "mb/wmb", "mb/mb/mb", "toString/mb"])("does not know %s", (text) => {
    expect(() => caseModern.variantOf(text)).toThrow(/use PUBLISHER\/SLEEPER/);
  });
});
