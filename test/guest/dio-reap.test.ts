// A synchronous direct request of many bios frees those that have ended while it still maps: the
// memory for bios stays bounded, and the error of one that was freed so is not forgotten.
import { afterAll, describe, expect, it } from "vitest";
import { Machine } from "../../src/engine/machine.ts";
import { parseDisks } from "../../src/machine/disks.ts";
import { Names } from "../../src/report/names.ts";

const PAGE_SECTORS = 8;
const RECORD = 2 << 20;
/** A page each. */
const BIOS = RECORD / 4096;
/** In one of the first bios of a request. */
const BAD = "error=both:130-130";
const STAGES = 4;

afterAll(() => Machine.shutdown());

describe("a synchronous direct request of 512 bios", () => {
  it.each(["bug", "fix2006", "dio2620"])("%s", async (variant) => {
    const machine = await Machine.create({
      machine: "clovertown", image: "w002", workers: 1, maxCycles: 1_000_000_000n,
      disks: parseDisks(1, "model=uniform:15-40", BAD),
      append: `v002=${variant} max_sectors=${PAGE_SECTORS} -- ` +
        `w002 sync=1 records=2 depth=8 record=${RECORD}`,
    });
    let text = "";
    const { exit } = await machine.run({
      onConsole: (bytes) => (text += new TextDecoder().decode(bytes)),
    });
    const { slabs } = new Names(machine);
    const bios = slabs.objects(slabs.caches.find(({ name }) => name === "bio")!);
    machine.close();
    expect({ exit, text: text.trim() }).toEqual({
      exit: 0,
      text: `w002 file 0: submitted=${2 * STAGES} events=${2 * STAGES} full=${STAGES} ` +
        `eio=${STAGES} other=0 wrong=0`,
    });
    expect(bios.length).toBeLessThan(BIOS / 2);
    expect(bios.filter(({ freeOn }) => freeOn === undefined)).toEqual([]);
  }, 60_000);
});
