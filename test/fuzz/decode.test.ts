// The decoder against iced-x86 on random byte strings: ten for each of FUZZ_CASES (npm run fuzz).
import { expect, it } from "vitest";
import { accessDifferences, lengthDifferences } from "../isa/decoders.ts";
import { FlatBox } from "../isa/flat-box.ts";
import { randomBatch } from "../isa/random-bytes.ts";
import { Random } from "../isa/random.ts";

const STRINGS = 10 * Number(process.env.FUZZ_CASES ?? 10_000);
const SEED = Number(process.env.FUZZ_SEED ?? 1);
const BATCH = 65536;
/** Of so many batches one is compared in its memory accesses too, which takes longer. */
const ACCESSES_EVERY = 8;
const TIMEOUT_MS = 3_600_000;

it(`decodes ${STRINGS} random byte strings as iced-x86 does, seed ${SEED}`, () => {
  const box = new FlatBox();
  const random = new Random(SEED);
  for (let done = 0, n = 0; done < STRINGS; done += BATCH, n++) {
    const bytes = randomBatch(random, BATCH);
    expect(lengthDifferences(box, bytes)).toEqual([]);
    if (n % ACCESSES_EVERY === 0) expect(accessDifferences(box, bytes)).toEqual([]);
  }
}, TIMEOUT_MS);
