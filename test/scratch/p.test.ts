import { test } from "vitest";
import { Machine } from "../../src/engine/machine.ts";
import { EVENTS } from "../../src/report/timeline.ts";
test("p", async () => {
  for (const names of [[], ["stores","lines","bus","marks"], ["loads"]]) for (const max of [500000n, 1000000n, 1500000n, 2000000n]) {
    const m = await Machine.create({ image: "w001", append: "v001k=0 -- w001 W001i s=0 r=2 rounds=40", workers: 1, traceEvents: names.length ? 100 : 0, traceKinds: names.reduce((b, n) => b | EVENTS[n], 0), maxCycles: max });
    const r = await m.run(); console.log(names.join(), max, r.cycles, r.instructions, r.stateHash); m.close();
  }
}, 100000);
