// The one generator: counter-based, so a draw depends on (seed, stream, counter) and on nothing
// else. Streams are drawn by different workers in any order without changing a value. Used for
// interrupt arrival, device latency and initial skew; never for a reordering.

/** SplitMix64's finaliser over the three coordinates: 64 uniform bits. */
export function draw(seed: u64, stream: u64, counter: u64): u64 {
  let z = seed + stream * 0x9e3779b97f4a7c15 + counter * 0xd1342543de82ef95 + 0x632be59bd9b4e019;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/** Uniform in [0, bound); 0 when bound is 0. */
export function drawBelow(seed: u64, stream: u64, counter: u64, bound: u32): u32 {
  return bound ? <u32>(draw(seed, stream, counter) % <u64>bound) : 0;
}
