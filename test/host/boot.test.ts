// What a kernel finds at entry: ACPI tables with correct checksums, memory map, identity page
// tables.
import { describe, expect, it } from "vitest";
import * as map from "../../assembly/device/map.ts";
import { buildAcpi, checksum } from "../../src/machine/acpi.ts";
import { BOOT_CR3, writeBoot } from "../../src/machine/bootparams.ts";

/** APIC IDs in the order of the CPUs */
const IDS = [0, 2, 4, 6, 1, 3, 5, 7];
const { image, rsdpPhys } = buildAcpi(IDS);
const text = (bytes: Uint8Array) => String.fromCharCode(...bytes);
const at = (phys: number | bigint, bytes: number) => {
  const start = Number(phys) - map.ACPI_PHYS;
  return image.subarray(start, start + bytes);
};
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const table = (phys: bigint) => at(phys, viewOf(at(phys, 8)).getUint32(4, true));

const rsdp = at(rsdpPhys, 36);
const xsdt = table(viewOf(rsdp).getBigUint64(24, true));
const tables = new Map<string, Uint8Array>();
for (let i = 36; i < xsdt.length; i += 8) {
  const found = table(viewOf(xsdt).getBigUint64(i, true));
  tables.set(text(found.subarray(0, 4)), found);
}
const fadt = tables.get("FACP")!;
const madt = tables.get("APIC")!;
const dsdt = table(viewOf(fadt).getBigUint64(140, true));

describe("ACPI", () => {
  it("has correct checksums everywhere", () => {
    expect(text(rsdp.subarray(0, 8))).toBe("RSD PTR ");
    expect(checksum(rsdp.subarray(0, 20))).toBe(0);
    expect(checksum(rsdp)).toBe(0);
    for (const bytes of [xsdt, fadt, madt, dsdt]) expect(checksum(bytes)).toBe(0);
  });

  it("is hardware-reduced with a sleep control register", () => {
    expect(fadt.length).toBe(276);
    expect(viewOf(fadt).getUint32(112, true) & (1 << 20)).not.toBe(0);
    expect(fadt[244]).toBe(1);
    expect(viewOf(fadt).getBigUint64(248, true)).toBe(BigInt(map.PORT_SLEEP_CONTROL));
  });

  it("lists every local APIC and the wake-up mailbox", () => {
    const ids: number[] = [];
    let mailbox = 0n;
    for (let i = 44; i < madt.length; i += madt[i + 1]) {
      if (madt[i] === 0) ids.push(madt[i + 3]);
      if (madt[i] === 0x10) mailbox = viewOf(madt).getBigUint64(i + 8, true);
    }
    expect(ids).toEqual(IDS);
    expect(mailbox).toBe(BigInt(map.MAILBOX_PHYS));
  });

  it("names S5 in the DSDT: Name (_S5_, Package (4) {5, 5, 0, 0})", () => {
    expect([...dsdt.subarray(36)]).toEqual([
      0x08, 0x5f, 0x53, 0x35, 0x5f, 0x12, 8, 4, 0x0a, 5, 0x0a, 5, 0, 0,
    ]);
  });
});

describe("boot parameters", () => {
  const ram = new Uint8Array(64 << 20);
  writeBoot(ram, {
    ramBytes: ram.length,
    commandLine: "seed=1",
    rsdpPhys,
    ramdiskPhys: 0,
    ramdiskBytes: 0,
  });
  const view = new DataView(ram.buffer);

  it("has the magic numbers of the protocol", () => {
    expect(view.getUint16(0x11fe, true)).toBe(0xaa55);
    expect(text(ram.subarray(0x1202, 0x1206))).toBe("HdrS");
    expect(view.getBigUint64(0x1070, true)).toBe(BigInt(map.ACPI_PHYS));
    expect(view.getUint32(0x1228, true)).toBe(map.CMDLINE_PHYS);
  });

  it("has a memory map in order, without overlap, up to the end of RAM", () => {
    let end = 0n;
    const count = ram[0x11e8];
    for (let i = 0; i < count; i++) {
      const start = view.getBigUint64(0x12d0 + i * 20, true);
      expect(start >= end).toBe(true);
      end = start + view.getBigUint64(0x12d0 + i * 20 + 8, true);
    }
    expect(end).toBe(BigInt(ram.length));
  });

  it.each([0n, 0x200000n, 0x3ffff000n, 0xfee00000n, 0xffffffffn])("maps %x to itself", (lin) => {
    const entry = (base: bigint, index: bigint) =>
      view.getBigUint64(Number((base & 0xffffffffff000n) + index * 8n), true);
    const pdpt = entry(BigInt(BOOT_CR3), (lin >> 39n) & 511n);
    const directory = entry(pdpt, (lin >> 30n) & 511n);
    const page = entry(directory, (lin >> 21n) & 511n);
    expect(page & 0x83n).toBe(0x83n);
    expect(page & 0xfffffffe00000n).toBe(lin & ~0x1fffffn);
    expect((page & 0x18n) !== 0n).toBe(lin >= BigInt(map.DEVICE_PHYS));
  });
});
