// What the host relies on in the kernel image: the debug block, the offsets that case 001 depends
// on, the note.
import { describe, expect, it } from "vitest";
import { bytesAt, manifest, readPrebuilt } from "./code.ts";

const kernel = readPrebuilt("kernel");
const symbol = kernel.symbols.get("smpbox_debug")!;
const bytes = bytesAt(kernel, symbol.lin, symbol.bytes);
const block = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const words = (offset: number, count: number) =>
  Array.from({ length: count }, (_, i) => block.getUint32(offset + i * 4, true));

describe("kernel.elf", () => {
  it("carries the note that makes it a kernel and starts at a physical address", () => {
    expect(kernel.kind).toBe("kernel");
    expect(kernel.entry).toBe(0x200000n);
  });

  it("is loaded at one offset below its addresses, except for the code that starts CPUs", () => {
    const base = block.getBigUint64(16, true);
    for (const segment of kernel.segments) {
      if (segment.lin === kernel.entry) expect(segment.phys).toBe(segment.lin);
      else expect(segment.lin - segment.phys).toBe(base);
    }
  });

  it("fills the debug block before it runs", () => {
    const magic = new TextDecoder().decode(bytes.subarray(0, 8));
    expect(magic).toBe("SMPBOXDB");
    expect(words(8, 2)).toEqual([1, symbol.bytes]);
    expect(block.getBigUint64(32, true)).toBe(kernel.symbols.get("tasks")!.lin);
    expect(block.getBigUint64(40, true)).toBe(kernel.symbols.get("kioctxs")!.lin);
  });

  it("keeps wait and ctx_lock on line 0 of the kioctx, ring_lock, nr and tail on line 2", () => {
    const [users, dead, userId, waitNext, ctxLock, reqsActive, , ringLock, nr, tail, ...inRing] =
      words(120, 12);
    expect([users, dead, userId]).toEqual([0, 4, 16]);
    expect([waitNext, ctxLock, reqsActive]).toEqual([40, 56, 60]);
    expect([ringLock, nr, tail]).toEqual([128, 144, 148]);
    expect(inRing).toEqual([8, 12]); // ring.head and ring.tail share a line
  });
});

describe("w001.elf", () => {
  it("has the statistics at a symbol, its writers on lines of their own", () => {
    const stats = readPrebuilt("w001").symbols.get("w001_stats")!;
    expect(stats.bytes).toBe(8416 + 384 * 4 + 32);
    expect(stats.lin % 64n).toBe(0n);
  });
});

describe("manifest.json", () => {
  const names = Object.keys(manifest.images);
  it.each(names)("%s: every mark is in the code, with its displacement", (name) => {
    const elf = readPrebuilt(name);
    for (const { address, kind, id } of manifest.images[name].marks) {
      const code = bytesAt(elf, BigInt(address), 8);
      const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
      expect(view.getUint32(0)).toBe(0x0f1f8400);
      expect(view.getUint32(4, true)).toBe(0x5b000000 | (kind << 16) | id);
    }
  });
});
