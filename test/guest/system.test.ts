// The image "system" checks the processor that it runs on: exceptions, paging, rings, interrupts,
// timer, self-modifying code, several CPUs. Its own verdict counts; the lines say what failed.
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { Machine } from "../../src/engine/machine.ts";

/** Far below what there are: that none gets lost on the way. */
const CHECKS_MIN = 600;

let machine: Machine | undefined;
afterEach(() => machine?.close());
afterAll(() => Machine.shutdown());

async function run(name: string, append = "") {
  machine = await Machine.create({
    machine: name,
    image: "system",
    append,
    workers: 1,
    maxCycles: 200_000_000n,
  });
  let console = "";
  const result = await machine.run({
    onConsole: (bytes) => (console += Buffer.from(bytes).toString()),
  });
  return { ...result, lines: console.trimEnd().split("\n") };
}

describe("the processor", () => {
  it.each([
    { name: "uni1", cpus: 1 },
    { name: "clovertown", cpus: 8 },
    { name: "xeon-ht", cpus: 4 },
  ])("of $name passes its checks", async ({ name, cpus }) => {
    const { exit, reason, lines } = await run(name);
    const bad = lines.filter((line) => !/^ok |^one CPU: |^\d+ passed, /.test(line));
    expect({ exit, reason, bad }).toEqual({ exit: 0, reason: undefined, bad: [] });
    const [, passed, present] = lines.at(-1)!.match(/^(\d+) passed, 0 failed, (\d+) CPUs$/)!;
    expect(Number(passed)).toBeGreaterThan(CHECKS_MIN);
    expect(Number(present)).toBe(cpus);
  });

  it("shuts down on a triple fault", async () => {
    const { exit, reason, lines } = await run("uni1", "mode=triple");
    expect(lines).toEqual(["no IDT from here"]);
    expect(exit).toBe("panic");
    expect(reason).toContain("triple fault on CPU 0");
    expect(reason).toContain("triple_fault");
  });
});
