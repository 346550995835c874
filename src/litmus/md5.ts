// MD5 (RFC 1321), for the Hash line of herd7's logs, by which its tools recognise a test. Nothing
// here depends on its strength.
const SHIFTS = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
/** Step i of a round mixes in word factor * i + offset of the block. */
const WORD_FACTORS = [1, 5, 3, 7];
const WORD_OFFSETS = [0, 1, 5, 0];
const STEPS = 64;
const BLOCK_BYTES = 64;
const SINES = Int32Array.from({ length: STEPS }, (_, i) => Math.abs(Math.sin(i + 1)) * 2 ** 32);

/** The 16 bytes of the digest. */
export function md5(message: Uint8Array): Uint8Array {
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  const blocks = Math.ceil((message.length + 9) / BLOCK_BYTES);
  const padded = new Uint8Array(blocks * BLOCK_BYTES);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(message.length) * 8n, true);
  for (let at = 0; at < padded.length; at += BLOCK_BYTES) addBlock(state, view, at);
  return new Uint8Array(state.buffer);
}

function addBlock(state: Int32Array, view: DataView, at: number): void {
  let [a, b, c, d] = state;
  for (let i = 0; i < STEPS; i++) {
    const round = i >> 4;
    const mixed = round === 0 ? (b & c) | (~b & d)
      : round === 1 ? (d & b) | (~d & c)
      : round === 2 ? b ^ c ^ d
      : c ^ (b | ~d);
    const word = (WORD_FACTORS[round] * i + WORD_OFFSETS[round]) & 15;
    const sum = (a + mixed + SINES[i] + view.getInt32(at + 4 * word, true)) | 0;
    const shift = SHIFTS[round][i & 3];
    const rotated = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
    a = d;
    d = c;
    c = b;
    b = rotated;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
