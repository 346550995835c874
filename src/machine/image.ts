// Puts a program into guest RAM: kernel segments, the ramdisk with a user program, boot parameters,
// ACPI tables.
import * as map from "../../assembly/device/map.ts";
import { buildAcpi } from "./acpi.ts";
import { BOOT_CR3, writeBoot } from "./bootparams.ts";
import { type Elf, hex, physicalOf } from "./elf.ts";
import { InputError } from "./preset.ts";

/** An image that has been read already. */
export interface ImageFile {
  name: string;
  bytes: Uint8Array;
}

export interface BootImage {
  /** For messages. */
  name: string;
  kernel: Elf;
  /** The user program's file, as it is. */
  ramdisk?: Uint8Array;
  commandLine: string;
  /** Disk controllers that ACPI describes; default none. */
  disks?: number;
}

/** User addresses end below the area where the bundled kernel maps (its memlayout.h). */
const USER_LIMIT = 0x7f0000000000n;
/** What a program may fill of RAM; the rest is for the kernel, stacks and page tables. */
const USER_RAM_SHARE = 0.5;

/** Can the bundled kernel run this program in a machine with so much RAM? */
export function checkUser(program: Elf, name: string, ramBytes: number): void {
  let total = 0;
  for (const { lin, memoryBytes } of program.segments) {
    const end = lin + BigInt(memoryBytes);
    if (end > USER_LIMIT) {
      throw new InputError(`${name}: segment ${hex(lin)} to ${hex(end)} is outside user space; ` +
        `link it below ${hex(USER_LIMIT)}`);
    }
    total += memoryBytes;
  }
  if (total > ramBytes * USER_RAM_SHARE) {
    const mebibytes = Math.ceil(total / 2 ** 20);
    throw new InputError(`${name}: needs ${mebibytes} MiB, too much for this machine's RAM; ` +
      "make it smaller, or give the machine file more ramMiB");
  }
}

/** What startBsp() takes: physical addresses. */
export interface Entry {
  rip: bigint;
  rsi: bigint;
  cr3: bigint;
}

/** Fills zeroed guest RAM. */
export function loadImage(ram: Uint8Array, apicIds: readonly number[], image: BootImage): Entry {
  const ramdiskBytes = image.ramdisk?.length ?? 0;
  const ramdiskPhys = (ram.length - ramdiskBytes) & ~0xfff;
  const limit = BigInt(ramdiskPhys);
  for (const segment of image.kernel.segments) {
    const end = segment.phys + BigInt(segment.memoryBytes);
    if (segment.phys < BigInt(map.KERNEL_PHYS_MIN) || end > limit) {
      const wanted = `${hex(segment.phys)} to ${hex(end)}`;
      const free = `${hex(map.KERNEL_PHYS_MIN)} to ${hex(limit)}`;
      const outside = `segment ${wanted} is outside the free RAM (${free})`;
      throw new InputError(`${image.name}: ${outside}; ` +
        "place it there in the linker script");
    }
    ram.set(segment.data, Number(segment.phys));
  }
  if (image.ramdisk) ram.set(image.ramdisk, ramdiskPhys);
  const acpi = buildAcpi(apicIds, image.disks);
  ram.set(acpi.image, map.ACPI_PHYS);
  writeBoot(ram, {
    ramBytes: ram.length,
    commandLine: image.commandLine,
    rsdpPhys: acpi.rsdpPhys,
    ramdiskPhys: ramdiskBytes ? ramdiskPhys : 0,
    ramdiskBytes,
  });
  const rip = physicalOf(image.kernel, image.kernel.entry);
  if (rip === undefined) {
    throw new InputError(`${image.name}: the entry point is not loaded; link it inside a segment`);
  }
  return { rip, rsi: BigInt(map.BOOT_PARAMS_PHYS), cr3: BigInt(BOOT_CR3) };
}
