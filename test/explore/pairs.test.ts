// Who publishes and looks for a sleeper, who enlists and looks for work: which fences each pair of
// workloads/explore/pairs.c needs. Under sequential consistency none.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { ask } from "../../src/engine/explore-image.ts";

const file = join(packageRoot(), "workloads", "prebuilt", "explore.elf");
const image = { name: "explore", bytes: readFileSync(file) };

/** As enum fence has them. */
const FENCES = ["none", "wmb", "mb", "locked"];
interface Pair {
  publish: string;
  enlist: string;
  /** What each side is asked about with. */
  kinds: [string[], string[]];
  /** The pairs of them with which nobody sleeps for ever. */
  right: string[];
}

const PAIRS: Pair[] = [
  {
    publish: "sq_submit", enlist: "sq_poll",
    kinds: [["none", "wmb", "mb"], ["none", "mb", "locked"]], right: ["mb mb", "mb locked"],
  },
  {
    publish: "vq_add", enlist: "vq_rearm",
    kinds: [["none", "mb"], ["none", "locked"]], right: ["mb locked"],
  },
  {
    publish: "mutex_leave", enlist: "mutex_block",
    kinds: [["none", "mb"], ["none", "mb", "locked"]], right: ["mb mb", "mb locked"],
  },
];

it.each(PAIRS)("$publish, $enlist", async ({ publish, enlist, kinds, right }) => {
  const found: string[] = [];
  for (const first of kinds[0]) {
    for (const second of kinds[1]) {
      const argument = (kind: string) => FENCES.indexOf(kind);
      const entries = `${publish}(${argument(first)}),${enlist}(${argument(second)})`;
      const inOrder = await ask(image, { entries, model: "sc" });
      expect(inOrder.failure, `${entries} in order`).toBeUndefined();
      const { failure, exploration } = await ask(image, { entries });
      expect([exploration.bound, exploration.endless]).toEqual([undefined, undefined]);
      if (failure) expect(failure.run!.stuck.map(({ thread }) => thread)).toEqual([1]);
      else found.push(`${first} ${second}`);
    }
  }
  expect(found).toEqual(right);
});
