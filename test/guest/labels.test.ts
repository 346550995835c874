// A label names the access behind its mark, also where an interrupt comes between the two: while
// the access waits for its line, the CPU may serve one.
import { afterAll, expect, it } from "vitest";
import { case004 } from "../../src/cases/004.ts";
import { KICK } from "../../src/cases/004-life.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import { TRACE_ISSUE } from "../../src/core/trace.ts";
import { Machine } from "../../src/engine/machine.ts";
import { Names } from "../../src/report/names.ts";

afterAll(() => Machine.shutdown());

// One CPU, so that completions interrupt those who submit; with this seed one of them does between
// the mark K0 and its store.
it("names the same field each time, of as many requests as there were", async () => {
  const spec = {
    machine: "uni1", variant: "bug", workload: "W004", pair: [0, 0] as [number, number],
    seed: 14n, rounds: 50, memory: "tso" as const,
  };
  const machine = await Machine.create(await optionsOf(case004, spec));
  await machine.run();
  const names = new Names(machine);
  const events = machine.view.trace();
  const fields = (step: keyof typeof KICK) => events
    .filter(({ kind, label }) => kind === TRACE_ISSUE && label === KICK[step])
    .map(({ phys }) => names.data(Number(phys)).replace(/^.*kiocb/, "kiocb"));
  const born = fields("K0");
  const freed = fields("Kf");
  machine.close();
  expect(new Set(born)).toEqual(new Set(["kiocb.ki_users"]));
  expect(new Set(freed).size).toBe(1);
  expect(freed[0]).toMatch(/^kiocb\./);
  expect(born.length).toBe(freed.length);
  expect(born.length).toBeGreaterThan(500);
}, 60_000);
