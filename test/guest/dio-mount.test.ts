// Which direct I/O the file system is mounted with: that of v002=, as the raw disks, unless v003=
// names one. Told apart by writes into holes whose first part fails (workload W002h of case 002):
// the machines up to 2.6.16 report them as done.
import { afterAll, describe, expect, it } from "vitest";
import { findCase } from "../../src/cases/index.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import { Machine } from "../../src/engine/machine.ts";

const WRITES = 4;

afterAll(() => Machine.shutdown());

async function answersOf(words: string) {
  const spec = {
    machine: "clovertown", variant: "fix2006", workload: "W002h", pair: [0, 1] as [number, number],
    seed: 1n, rounds: 1, memory: "tso" as const,
  };
  const options = await optionsOf(findCase("002"), spec);
  const append = options.append!.replace("v002=fix2006", words);
  const machine = await Machine.create({ ...options, append, traceEvents: 0 });
  let text = "";
  const onConsole = (bytes: Uint8Array) => (text += new TextDecoder().decode(bytes));
  const { exit } = await machine.run({ onConsole });
  machine.close();
  const number = (name: string) => Number(RegExp(`\\b${name}=(\\d+)`).exec(text)?.[1]);
  return { exit, events: number("events"), full: number("full"), eio: number("eio") };
}

const hidden = { exit: 0, events: WRITES, full: WRITES, eio: 0 };
const reported = { exit: 0, events: WRITES, full: 0, eio: WRITES };

describe("writes into holes whose first part fails", () => {
  it.each([
    ["v002=fix2006", "without an error", hidden], ["v002=bug", "without an error", hidden],
    ["v002=dio2620", "with one", reported], ["", "with one", reported],
    ["v003=f0", "with one", reported], ["v003=bug", "with one", reported],
    ["v002=fix2006 v003=f0", "with one", reported],
  ])("\"%s\" reports them %s", async (words, _, expected) => {
    expect(await answersOf(words)).toEqual(expected);
  }, 60_000);
});
