// Workers that join and leave while the machine runs: nothing of it shows in the result. Some run
// code that is written meanwhile, which another worker may have decoded before.
import { afterAll, expect, it } from "vitest";
import * as abi from "../../assembly/abi.ts";
import { Machine } from "../../src/engine/machine.ts";
import { nameOf, open, type Row, run } from "./workloads.ts";

afterAll(() => Machine.shutdown());

const ROWS: Row[] = [
  { machine: "clovertown", image: "bench", append: "-- bench scale=1", exit: 0 },
  { machine: "clovertown", image: "pingpong", append: "-- pingpong a=0 b=2 n=20000", exit: 0 },
];

it.each(ROWS.map((row) => [nameOf(row), row] as const))(
  "ends alike while workers join and leave: %s",
  { timeout: 600_000 },
  async (_, row) => {
    const whole = await run(row);
    expect(whole.exit).toBe(row.exit);
    for (const workers of [3]) {
      const machine = await open(row, { workers });
      const joined = new Set<number>();
      let wanted = 0;
      const timer = setInterval(() => {
        machine.view.wantWorkers(1 + (wanted++ % workers));
        joined.add(machine.view.u32(abi.M_CREW_WINDOWS));
      }, 2);
      const { exit, cycles, instructions, stateHash } = await machine.run();
      clearInterval(timer);
      machine.close();
      expect({ exit, cycles, instructions, stateHash }, `${workers} workers`).toEqual(whole);
      expect(joined.size, "changes of the crew").toBeGreaterThan(5);
    }
  },
);

it("a machine may begin with fewer workers than it has", { timeout: 600_000 }, async () => {
  const whole = await run(ROWS[0]);
  const machine = await open(ROWS[0], { workers: 3 });
  machine.view.musterWorkers(1);
  expect((await machine.run()).stateHash).toBe(whole.stateHash);
  expect(machine.view.u32(abi.M_CREW_WINDOWS)).toBe(0);
  machine.close();
});
