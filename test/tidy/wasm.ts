// Whether a module contains call_indirect, seen from its element section: an indirect call needs a
// table with functions.
const ELEMENT_SECTION = 9;

export function hasCallIndirect(bytes: Uint8Array): boolean {
  let at = 8; // magic and version
  const leb = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  };
  while (at < bytes.length) {
    const id = bytes[at++];
    const size = leb();
    const end = at + size;
    if (id === ELEMENT_SECTION && leb() > 0) return true;
    at = end;
  }
  return false;
}
