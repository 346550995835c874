// What a 64-bit kernel finds at entry: struct boot_params, the command line, a GDT and identity
// page tables (Linux Documentation/arch/x86/boot.rst, "64-bit BOOT PROTOCOL", and zero-page.rst).
import * as map from "../../assembly/device/map.ts";
import { InputError } from "./preset.ts";

export interface BootInput {
  ramBytes: number;
  commandLine: string;
  rsdpPhys: number;
  /** Physical range of the ramdisk; 0 bytes for none. */
  ramdiskPhys: number;
  ramdiskBytes: number;
}

const E820_RAM = 1;
const E820_ACPI = 3;
const E820_NVS = 4;

// Offsets in struct boot_params
const ACPI_RSDP_ADDR = 0x070;
const E820_ENTRIES = 0x1e8;
const BOOT_FLAG = 0x1fe;
const HEADER = 0x202;
const VERSION = 0x206;
const TYPE_OF_LOADER = 0x210;
const LOADFLAGS = 0x211;
const RAMDISK_IMAGE = 0x218;
const RAMDISK_SIZE = 0x21c;
const CMD_LINE_PTR = 0x228;
const CMDLINE_SIZE = 0x238;
const E820_TABLE = 0x2d0;
const E820_ENTRY_BYTES = 20;

const PAGE_PRESENT_WRITE = 0x3;
const PAGE_ACCESSED = 0x20;
const PAGE_DIRTY = 0x40;
const PAGE_LARGE = 0x80;
const PAGE_UNCACHED = 0x18; // PCD and PWT
const LARGE_PAGE_BYTES = 0x200000;

/** Writes boot_params, command line, GDT and page tables into guest RAM. */
export function writeBoot(ram: Uint8Array, input: BootInput): void {
  writeZeroPage(ram, input);
  const text = new TextEncoder().encode(input.commandLine);
  if (text.length >= map.CMDLINE_BYTES) {
    throw new InputError(`the kernel command line is longer than ${map.CMDLINE_BYTES - 1} bytes`);
  }
  ram.set(text, map.CMDLINE_PHYS);
  writeGdt(ram);
  writePageTables(ram);
}

/** CR3 at entry. */
export const BOOT_CR3 = map.BOOT_TABLES_PHYS;

function writeZeroPage(ram: Uint8Array, input: BootInput): void {
  const start = ram.byteOffset + map.BOOT_PARAMS_PHYS;
  const view = new DataView(ram.buffer, start, map.BOOT_PARAMS_BYTES);
  view.setBigUint64(ACPI_RSDP_ADDR, BigInt(input.rsdpPhys), true);
  view.setUint16(BOOT_FLAG, 0xaa55, true);
  view.setUint32(HEADER, 0x53726448, true); // "HdrS"
  view.setUint16(VERSION, 0x020f, true);
  view.setUint8(TYPE_OF_LOADER, 0xff); // unregistered loader
  view.setUint8(LOADFLAGS, 1); // loaded high
  view.setUint32(RAMDISK_IMAGE, input.ramdiskPhys, true);
  view.setUint32(RAMDISK_SIZE, input.ramdiskBytes, true);
  view.setUint32(CMD_LINE_PTR, map.CMDLINE_PHYS, true);
  view.setUint32(CMDLINE_SIZE, map.CMDLINE_BYTES - 1, true);
  const areas = [
    [0, map.MAILBOX_PHYS, E820_RAM],
    [map.MAILBOX_PHYS, map.LOW_RAM_END, E820_NVS],
    [map.ACPI_PHYS, map.ACPI_PHYS + map.ACPI_BYTES, E820_ACPI],
    [map.HIGH_RAM_PHYS, input.ramBytes, E820_RAM],
  ];
  view.setUint8(E820_ENTRIES, areas.length);
  areas.forEach(([from, end, type], i) => {
    const at = E820_TABLE + i * E820_ENTRY_BYTES;
    view.setBigUint64(at, BigInt(from), true);
    view.setBigUint64(at + 8, BigInt(end - from), true);
    view.setUint32(at + 16, type, true);
  });
}

/** 64-bit code at selector 10H, data at 18H, as the protocol's __BOOT_CS and __BOOT_DS. */
function writeGdt(ram: Uint8Array): void {
  const view = new DataView(ram.buffer, ram.byteOffset + map.BOOT_GDT_PHYS, map.BOOT_GDT_BYTES);
  view.setBigUint64(map.BOOT_CS, 0x00af9b000000ffffn, true);
  view.setBigUint64(map.BOOT_DS, 0x00cf93000000ffffn, true);
}

/** The first 4 GiB, identity, in 2 MiB pages; the device area uncached. */
function writePageTables(ram: Uint8Array): void {
  const view = new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
  const pml4 = map.BOOT_TABLES_PHYS;
  const pdpt = pml4 + 0x1000;
  const directories = pdpt + 0x1000;
  const table = PAGE_PRESENT_WRITE | PAGE_ACCESSED;
  view.setBigUint64(pml4, BigInt(pdpt | table), true);
  for (let g = 0; g < 4; g++) {
    const directory = directories + g * 0x1000;
    view.setBigUint64(pdpt + g * 8, BigInt(directory | table), true);
    for (let i = 0; i < 512; i++) {
      const phys = (g * 512 + i) * LARGE_PAGE_BYTES;
      const flags = table | PAGE_DIRTY | PAGE_LARGE | (phys >= map.DEVICE_PHYS ? PAGE_UNCACHED : 0);
      view.setBigUint64(directory + i * 8, BigInt(phys) | BigInt(flags), true);
    }
  }
}
