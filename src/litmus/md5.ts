// MD5 (RFC 1321), for the Hash line of herd7's logs, by which its tools recognise a test. Nothing
// here depends on its strength.
const SHIFTS = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
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
    let mixed: number;
    let word: number;
    if (round === 0) [mixed, word] = [(b & c) | (~b & d), i];
    else if (round === 1) [mixed, word] = [(d & b) | (~d & c), 5 * i + 1];
    else if (round === 2) [mixed, word] = [b ^ c ^ d, 3 * i + 5];
    else [mixed, word] = [c ^ (b | ~d), 7 * i];
    const sum = (a + mixed + SINES[i] + view.getInt32(at + 4 * (word & 15), true)) | 0;
    const shift = SHIFTS[round][i & 3];
    [a, d, c, b] = [d, c, b, (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0];
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
