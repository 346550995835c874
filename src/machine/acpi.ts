// ACPI tables of the machine (ACPI Specification 6.4): RSDP, XSDT, FADT (hardware-reduced), DSDT
// with \_S5 and the disk controllers, MADT with the APICs and the multiprocessor wake-up mailbox,
// so that no real mode is ever needed.
import * as map from "../../assembly/device/map.ts";
import * as aml from "./aml.ts";

const TABLE_HEADER_BYTES = 36;
const OEM = "SMPBOX";
const FADT_BYTES = 276;
const FADT_HW_REDUCED = 1 << 20;
const FADT_BOOT_ARCH = 0x002c; // VGA not present, no MSI, CMOS RTC not present
const MADT_LOCAL_APIC = 0;
const MADT_IO_APIC = 1;
const MADT_WAKEUP = 0x10;
const GAS_SYSTEM_IO = 1;

export interface AcpiTables {
  /** Everything, to be put at ACPI_PHYS; the RSDP comes first. */
  image: Uint8Array;
  rsdpPhys: number;
}

export function buildAcpi(apicIds: readonly number[], disks = 0): AcpiTables {
  const image = new Uint8Array(map.ACPI_BYTES);
  let next = 64; // the RSDP takes 36 bytes
  const place = (table: Uint8Array): number => {
    image.set(table, next);
    const phys = map.ACPI_PHYS + next;
    next += (table.length + 63) & ~63;
    return phys;
  };
  const dsdt = place(sdt("DSDT", 2, new Uint8Array([...sleepStates(), ...controllers(disks)])));
  const tables = [place(fadt(dsdt)), place(madt(apicIds))];
  const pointers = new Uint8Array(tables.length * 8);
  const pointer = new DataView(pointers.buffer);
  tables.forEach((phys, i) => pointer.setBigUint64(i * 8, BigInt(phys), true));
  image.set(rsdp(place(sdt("XSDT", 1, pointers))), 0);
  return { image, rsdpPhys: map.ACPI_PHYS };
}

/** Sum of all bytes modulo 256: 0 for a correct table. */
export function checksum(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0);
}

/** 5.2.5.3 "Root System Description Pointer (RSDP) Structure". */
function rsdp(xsdtPhys: number): Uint8Array {
  const bytes = new Uint8Array(36);
  const view = new DataView(bytes.buffer);
  putText(bytes, 0, "RSD PTR ");
  putText(bytes, 9, OEM);
  bytes[15] = 2; // revision
  view.setUint32(20, bytes.length, true);
  view.setBigUint64(24, BigInt(xsdtPhys), true);
  bytes[8] = -checksum(bytes.subarray(0, 20));
  bytes[32] = -checksum(bytes);
  return bytes;
}

/** 5.2.6 "System Description Table Header". */
function sdt(signature: string, revision: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(TABLE_HEADER_BYTES + body.length);
  const view = new DataView(bytes.buffer);
  putText(bytes, 0, signature);
  view.setUint32(4, bytes.length, true);
  bytes[8] = revision;
  putText(bytes, 10, OEM);
  putText(bytes, 16, `${OEM}  `);
  view.setUint32(24, 1, true);
  putText(bytes, 28, "SBOX");
  view.setUint32(32, 1, true);
  bytes.set(body, TABLE_HEADER_BYTES);
  bytes[9] = -checksum(bytes);
  return bytes;
}

/** 5.2.9 "Fixed ACPI Description Table (FADT)"; offsets are those of the whole table. */
function fadt(dsdtPhys: number): Uint8Array {
  const body = new Uint8Array(FADT_BYTES - TABLE_HEADER_BYTES);
  const view = new DataView(body.buffer);
  const at = (offset: number) => offset - TABLE_HEADER_BYTES;
  view.setUint16(at(109), FADT_BOOT_ARCH, true);
  view.setUint32(at(112), FADT_HW_REDUCED, true);
  body[at(131)] = 4; // minor version
  view.setBigUint64(at(140), BigInt(dsdtPhys), true);
  putIoRegister(view, at(244), map.PORT_SLEEP_CONTROL);
  putIoRegister(view, at(256), map.PORT_SLEEP_STATUS);
  return sdt("FACP", 6, body);
}

/** 5.2.3.2 "Generic Address Structure", a byte register in I/O space. */
function putIoRegister(view: DataView, at: number, port: number): void {
  view.setUint8(at, GAS_SYSTEM_IO);
  view.setUint8(at + 1, 8); // bits
  view.setUint8(at + 3, 1); // byte access
  view.setBigUint64(at + 4, BigInt(port), true);
}

/** 5.2.12 "Multiple APIC Description Table (MADT)". */
function madt(apicIds: readonly number[]): Uint8Array {
  // All are enabled.
  const entries = apicIds.map((id, cpu) => [MADT_LOCAL_APIC, 8, cpu, id, 1, 0, 0, 0]);
  const ioapic = new Uint8Array(12);
  ioapic[0] = MADT_IO_APIC;
  ioapic[1] = ioapic.length;
  new DataView(ioapic.buffer).setUint32(4, map.IOAPIC_PHYS, true);
  entries.push([...ioapic]);
  const wakeup = new Uint8Array(16);
  wakeup[0] = MADT_WAKEUP;
  wakeup[1] = wakeup.length;
  new DataView(wakeup.buffer).setBigUint64(8, BigInt(map.MAILBOX_PHYS), true);
  entries.push([...wakeup]);
  const body = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, ...entries.flat()]);
  new DataView(body.buffer).setUint32(0, map.LAPIC_PHYS, true);
  return sdt("APIC", 5, body);
}

/** 7.4.2.5 "\_S5": what SLEEP_CONTROL takes. */
function sleepStates(): number[] {
  const type = aml.byte(map.SLEEP_TYPE_S5);
  return aml.name("_S5_", aml.packageOf(type, type, [0], [0]));
}

/** A virtio-mmio device for each disk controller, coherent. */
function controllers(disks: number): number[] {
  const devices = Array.from({ length: disks }, (_, disk) => {
    const window = aml.memory32(map.VIRTIO_PHYS + disk * map.VIRTIO_STRIDE, map.VIRTIO_STRIDE);
    return aml.device(`VR${String(disk).padStart(2, "0")}`, [
      ...aml.name("_HID", aml.text("LNRO0005")),
      ...aml.name("_UID", aml.byte(disk)),
      ...aml.name("_CCA", [1]),
      ...aml.name("_CRS", aml.resources(window, aml.interrupt(map.GSI_VIRTIO + disk))),
    ]);
  });
  return disks === 0 ? [] : aml.scope("\\_SB_", devices.flat());
}

function putText(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}
