// Batches of random instructions: bytes with a taste for opcode maps and prefixes.
import { STRIDE } from "./decoders.ts";
import type { Random } from "./random.ts";

const LEADS = [
  [0x0f], [0x0f], [0x48], [0x66], [0xf3], [0xf2], [0xf0], [0x67], [0x66, 0x0f], [0xf3, 0x0f],
  [0x48, 0x0f], [0x0f, 0x38], [0x0f, 0x3a], [0xc4, 0xe2], [0xc4, 0xe3], [0xc5], [0xf0, 0x48],
];

const PREFIXES = [
  0x26, 0x2e, 0x36, 0x3e, 0x40, 0x41, 0x44, 0x48, 0x4f, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3,
];
/** One in so many begins with a run of prefixes: it may be too long. */
const PREFIXED = 32;

/** `count` instructions, STRIDE bytes each. */
export function randomBatch(random: Random, count: number): Uint8Array {
  const words = new Uint32Array(count * STRIDE / 4);
  for (let i = 0; i < words.length; i++) words[i] = random.word();
  const bytes = new Uint8Array(words.buffer);
  for (let i = 0; i < count; i++) {
    const at = i * STRIDE;
    if (random.chance(PREFIXED)) {
      const run = random.between(1, STRIDE - 1);
      for (let n = 0; n < run; n++) bytes[at + n] = random.pick(PREFIXES);
    } else if (random.chance(2)) bytes.set(random.pick(LEADS), at);
  }
  return bytes;
}
