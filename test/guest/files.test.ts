// What reads and writes of a file are answered and leave behind, under each machine of direct I/O
// (workloads/user/fscheck.c). Up to 2.6.16 a machine reports a write beyond the end itself, while
// its caller has still to say how large the file is now.
import { afterAll, expect, it } from "vitest";
import { Machine } from "../../src/engine/machine.ts";
import { parseDisks } from "../../src/machine/disks.ts";

afterAll(() => Machine.shutdown());

it.each([
  "v002=bug", "v002=fix2006", "v002=f1", "v002=x1", "v002=x2", "v002=x3", "v002=x4",
  "v003=bug", "v003=f0", "v003=f1", "v003=f0+bug_on", "v003=x1", "v003=x2", "v003=x2b",
  "v003=x3", "v003=x4", "v003=x5", "v003=x6", "v003=x6b", "v003=x7",
])("a file by O_DIRECT and through the page cache, with and without io_submit: \"%s\"", async (
  words,
) => {
  const machine = await Machine.create({
    machine: "conroe", image: "fscheck", workers: 1, maxCycles: 100_000_000n,
    disks: parseDisks(1, "model=uniform:15-40"), append: `fs=1 ${words} -- fscheck`,
  });
  let text = "";
  const { exit } = await machine.run({
    onConsole: (bytes) => (text += new TextDecoder().decode(bytes)),
  });
  machine.close();
  expect([exit, text]).toEqual([0, expect.stringMatching(/^fscheck: [1-9]\d\d checks\n$/)]);
});
