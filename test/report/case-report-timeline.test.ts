// The timeline of a report, of steps that no run has to give: stores to one place that wait
// together, one that began before the steps, one that is not visible in them.
import { expect, it } from "vitest";
import type { Step } from "../../src/report/case-report-steps.ts";
import { signsOf, timeline } from "../../src/report/case-report-timeline.ts";
import { hidden, shapesOn } from "./report-tools.ts";

const step = (time: number, cpu: number, label: string, kind: string, place = "ring.tail") =>
  ({ time: BigInt(time), cpu, label, kind, place, value: 0n, words: "" }) satisfies Step;

it("a store ends with its own commit, the first one with the first", () => {
  const steps = [
    step(100, 0, "A", "issue"), step(110, 0, "A", "issue"), step(150, 0, "A", "commit"),
    step(190, 0, "A", "commit"),
  ];
  const { bars, dots, names } = shapesOn(timeline("", steps));
  expect(names.map(({ text }) => text).filter((text) => text.startsWith("A")))
    .toEqual(["A ring.tail: 50 cycles", "A ring.tail: 80 cycles"]);
  expect(bars).toHaveLength(2);
  expect(hidden(bars)).toEqual([]);
  expect(bars.map(({ end, y }) => [end, y])).toEqual(dots.map(({ x, y }) => [x, y]));
});

it("what began earlier or is not visible by the end is called so", () => {
  const steps = [
    step(90, 1, "B", "commit"), step(100, 1, "A", "issue"), step(140, 1, "C", "locked"),
  ];
  const { bars, dots, names } = shapesOn(timeline("", steps));
  const texts = names.map(({ text }) => text);
  expect(texts).toEqual(
    expect.arrayContaining(["B ring.tail visible", "A ring.tail: not visible by 140"]));
  expect(bars[0].end).toBeGreaterThan(dots.find(({ step: what }) => what === "C locked")!.x);
  expect(signsOf(steps).map(({ shape, colour }) => `${shape} ${colour}`))
    .toEqual(["bar store", "dot store", "dot locked", "line look"]);
});

it("where no commit is recorded a store is a dot, and names do not hide each other", () => {
  const steps = Array.from({ length: 20 }, (_, i) =>
    step(100 + i, i % 2, `E${i}`, "issue", "dio.bio_list"));
  const { bars, dots, names } = shapesOn(timeline("", steps));
  expect([bars.length, dots.length, hidden(names).length]).toEqual([0, 20, 0]);
});
