// The checks of system-checks.ts, one by one.
import { describe, expect, it } from "vitest";
import { FlatBox } from "./flat-box.ts";
import { CHECKS } from "./system-checks.ts";

const box = new FlatBox();

describe("system", () => {
  it.each(CHECKS)("$name", ({ run }) => {
    const found: string[] = [];
    run(box, found);
    expect(found).toEqual([]);
  });
});
