// The choice of how many workers take part, on hosts whose speeds are given.
import { expect, it } from "vitest";
import { WorkerChoice } from "../../src/engine/worker-choice.ts";

const POLL_MS = 20;

/** Runs for `ms`; `rate`: instructions a millisecond with so many workers, then. */
function simulate(
  choice: WorkerChoice, ms: number, rate: (workers: number, at: number) => number,
): { done: number; workers: number[] } {
  let done = 0;
  let current = choice.begin(0);
  const workers: number[] = [];
  for (let at = 0; at < ms; at += POLL_MS) {
    done += rate(current, at) * POLL_MS;
    current = choice.look(at + POLL_MS, BigInt(Math.round(done)));
    workers.push(current);
  }
  return { done, workers };
}

it("keeps two workers where they are faster, and one where they are not", () => {
  for (const first of [1, 2]) {
    const faster = simulate(new WorkerChoice(2, first), 20_000, (n) => (n === 2 ? 40e3 : 25e3));
    expect(faster.done).toBeGreaterThan(0.96 * 20_000 * 40e3);
    const slower = simulate(new WorkerChoice(2, first), 20_000, (n) => (n === 2 ? 5e3 : 25e3));
    expect(slower.done).toBeGreaterThan(0.93 * 20_000 * 25e3);
  }
});

it("gives up a number of workers with which nothing moves at all", () => {
  const { done, workers } = simulate(new WorkerChoice(2, 2), 10_000, (n) => (n === 2 ? 0 : 25e3));
  expect(workers.at(-1)).toBe(1);
  expect(done).toBeGreaterThan(0.8 * 10_000 * 25e3);
});

it("finds the best of many, from either end", () => {
  const rate = (n: number) => 10e3 * Math.min(n, 4) - (n > 4 ? 8e3 * (n - 4) : 0);
  for (const first of [1, 8]) {
    expect(simulate(new WorkerChoice(8, first), 60_000, rate).workers.at(-1)).toBe(4);
  }
});

it("follows a host that becomes busy, and idle again", () => {
  const rate = (n: number, at: number) => (n === 2 && at > 10_000 && at < 40_000 ? 5e3 : 20e3 * n);
  const { workers } = simulate(new WorkerChoice(2, 2), 80_000, rate);
  expect(workers[9_000 / POLL_MS]).toBe(2);
  expect(workers[39_000 / POLL_MS]).toBe(1);
  expect(workers.at(-1)).toBe(2);
});

it("with one worker there is nothing to try", () => {
  const { workers } = simulate(new WorkerChoice(1, 1), 5_000, () => 10e3);
  expect(new Set(workers)).toEqual(new Set([1]));
});

it("the next machine begins with what the last one found out", () => {
  const choice = new WorkerChoice(2, 2);
  simulate(choice, 20_000, (n) => (n === 2 ? 5e3 : 25e3));
  expect(choice.begin(30_000)).toBe(1);
});
