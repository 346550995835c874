// Names of labels, from the records that marks leave in an image (workloads/include/smpbox.h).
const RECORD_BYTES = 32;
const KIND_LABEL = 1;

/** By label; `bytes` is the section .smpbox.marks. */
export function labelNames(bytes: Uint8Array | undefined): Map<number, string> {
  const names = new Map<number, string>();
  if (!bytes) return names;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
    const mark = view.getUint32(at + 8, true);
    if (((mark >>> 16) & 0xff) !== KIND_LABEL) continue;
    const text = bytes.subarray(at + 16, at + RECORD_BYTES);
    const end = text.indexOf(0);
    const name = new TextDecoder("latin1").decode(text.slice(0, end < 0 ? text.length : end));
    names.set(mark & 0xffff, name);
  }
  return names;
}
