// Linear to physical addresses of a stopped machine, by its own page tables (SDM Vol. 3A 4.5,
// "4-Level Paging and 5-Level Paging"). Permissions are not looked at: this is for reports.
const PRESENT = 1n;
const LARGE = 0x80n;
const FRAME_MASK = 0xffffffffff000n;
/** Levels at which an entry may be a page: 1 GiB, 2 MiB, 4 KiB. */
const SHIFTS = [39n, 30n, 21n, 12n];
const LARGEST_PAGE_SHIFT = 30n;

/** Offset in `ram` of linear address `lin`; undefined where nothing is mapped. */
export function translate(ram: DataView, cr3: bigint, lin: bigint): number | undefined {
  let entry = cr3;
  for (const shift of SHIFTS) {
    const at = Number(entry & FRAME_MASK) + Number((lin >> shift) & 511n) * 8;
    if (at + 8 > ram.byteLength) return undefined;
    entry = ram.getBigUint64(at, true);
    if ((entry & PRESENT) === 0n) return undefined;
    const large = shift <= LARGEST_PAGE_SHIFT && (entry & LARGE) !== 0n;
    if (!large && shift !== 12n) continue;
    const inPage = (1n << shift) - 1n;
    const phys = Number((entry & FRAME_MASK & ~inPage) | (lin & inPage));
    return phys < ram.byteLength ? phys : undefined;
  }
  return undefined;
}

/** Up to `bytes` bytes from `lin` on: fewer where the mapping ends. */
export function readLinear(ram: DataView, cr3: bigint, lin: bigint, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) {
    const at = translate(ram, cr3, BigInt.asUintN(64, lin + BigInt(i)));
    if (at === undefined) return out.subarray(0, i);
    out[i] = ram.getUint8(at);
  }
  return out;
}

const PAGE = 4096n;
const TABLE_ENTRIES = 512n;
const CANONICAL_BITS = 48;

/** All pages of 4 KiB below `end` that are mapped to RAM; a large page is many of them. */
export function mappedPages(
  ram: DataView, cr3: bigint, end = 1n << 64n,
): { lin: bigint; phys: number }[] {
  const pages: { lin: bigint; phys: number }[] = [];
  const put = (lin: bigint, phys: bigint, bytes: bigint) => {
    for (let at = 0n; at < bytes && phys + at + PAGE <= BigInt(ram.byteLength); at += PAGE) {
      const canonical = BigInt.asUintN(64, BigInt.asIntN(CANONICAL_BITS, lin + at));
      pages.push({ lin: canonical, phys: Number(phys + at) });
    }
  };
  const visit = (table: bigint, level: number, base: bigint) => {
    const shift = SHIFTS[level];
    for (let i = 0n; i < TABLE_ENTRIES; i++) {
      const at = Number(table + i * 8n);
      if (at + 8 > ram.byteLength) return;
      const entry = ram.getBigUint64(at, true);
      if ((entry & PRESENT) === 0n) continue;
      const lin = base | (i << shift);
      if (BigInt.asUintN(64, BigInt.asIntN(CANONICAL_BITS, lin)) >= end) return;
      const size = 1n << shift;
      const large = shift <= LARGEST_PAGE_SHIFT && (entry & LARGE) !== 0n;
      if (shift === 12n || large) put(lin, entry & FRAME_MASK & ~(size - 1n), size);
      else visit(entry & FRAME_MASK, level + 1, lin);
    }
  };
  visit(cr3 & FRAME_MASK, 0, 0n);
  return pages;
}
