// A small deterministic generator, the same on every host: xorshift of 32 bits.
const EDGES: readonly [low: number, high: number][] = [
  [0, 0], [1, 0], [0x7f, 0], [0x80, 0], [0xff, 0], [0x7fff, 0], [0x8000, 0], [0xffff, 0],
  [0x7fffffff, 0], [0x80000000, 0], [0xffffffff, 0], [0, 1], [0xffffffff, 0x7fffffff],
  [0, 0x80000000], [0xffffffff, 0xffffffff],
];

export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed || 1;
  }

  word(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return this.state >>> 0;
  }

  next(limit: number): number { return this.word() % limit; }
  chance(oneIn: number): boolean { return this.next(oneIn) === 0; }
  pick<T>(items: readonly T[]): T { return items[this.next(items.length)]!; }

  /** From `from` to `to`, both included. */
  between(from: number, to: number): number { return from + this.next(to - from + 1); }

  /**
   * 64 bits as two halves: an interesting constant, uniform bits, or the U shape: as often of n
   * bits as of any other number, and as often just below 2^64 as just above 0.
   */
  value(): [low: number, high: number] {
    const kind = this.next(8);
    if (kind < 2) return this.pick(EDGES);
    let low = this.word();
    let high = this.word();
    if (kind < 5) return [low, high];
    const shift = this.next(64);
    if (shift >= 32) {
      low = high >>> (shift - 32);
      high = 0;
    } else if (shift) {
      low = (low >>> shift) | (high << (32 - shift));
      high >>>= shift;
    }
    return this.chance(2) ? [low, high] : [~low, ~high];
  }
}

/** A seed from text. */
export function seedOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const letter of text) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}
