// The final states of small tests, with and without reduction.
import { expect, it } from "vitest";
import { faults } from "./cases.ts";

it("small tests have the final states of each model", async () => {
  expect(await faults()).toEqual([]);
});
