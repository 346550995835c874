// The decoder against iced-x86 on random byte strings, in all that it says of them: ten for each of
// FUZZ_CASES (npm run fuzz).
import { expect, it } from "vitest";
import { Comparison } from "../isa/decoders.ts";
import { FlatBox } from "../isa/flat-box.ts";
import { randomBatch } from "../isa/random-bytes.ts";
import { Random } from "../isa/random.ts";

const STRINGS = 10 * Number(process.env.FUZZ_CASES ?? 10_000);
const SEED = Number(process.env.FUZZ_SEED ?? 1);
const BATCH = 32768;
const TIMEOUT_MS = 3_600_000;

it(`decodes ${STRINGS} random byte strings as iced-x86 does, seed ${SEED}`, () => {
  const comparison = new Comparison(new FlatBox());
  const random = new Random(SEED);
  while (comparison.compared.strings < STRINGS) {
    expect(comparison.differences(randomBatch(random, BATCH))).toEqual([]);
  }
}, TIMEOUT_MS);
