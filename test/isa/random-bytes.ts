// Batches of random instructions: bytes with a taste for opcode maps and prefixes.
import { STRIDE } from "./decoders.ts";
import type { Random } from "./random.ts";

const LEADS = [
  [0x0f], [0x0f], [0x48], [0x66], [0xf3], [0xf2], [0xf0], [0x67], [0x66, 0x0f], [0xf3, 0x0f],
  [0x48, 0x0f], [0x0f, 0x38], [0x0f, 0x3a], [0xc4, 0xe2], [0xc4, 0xe3], [0xc5], [0xf0, 0x48],
];

/** `count` instructions, STRIDE bytes each. */
export function randomBatch(random: Random, count: number): Uint8Array {
  const words = new Uint32Array(count * STRIDE / 4);
  for (let i = 0; i < words.length; i++) words[i] = random.word();
  const bytes = new Uint8Array(words.buffer);
  for (let i = 0; i < count; i++) {
    if (random.chance(2)) bytes.set(random.pick(LEADS), i * STRIDE);
  }
  return bytes;
}
