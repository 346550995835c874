// The physical memory map and the I/O ports: the only home of these numbers, for the core and for
// the host that loads an image. Everything below ramBytes that is not listed is plain RAM.

// ---- Low RAM: what the loader leaves for the kernel ---------------------------------------------
// Linux x86 boot protocol, "64-bit BOOT PROTOCOL".
/** struct boot_params, the "zero page". */
export const BOOT_PARAMS_PHYS: u32 = 0x1000;
export const BOOT_PARAMS_BYTES: u32 = 0x1000;
export const CMDLINE_PHYS: u32 = 0x2000;
export const CMDLINE_BYTES: u32 = 0x800; // with the final zero
/** Null, null, code (selector 10H), data (18H): the GDT that the boot protocol asks for. */
export const BOOT_GDT_PHYS: u32 = 0x3000;
export const BOOT_GDT_BYTES: u32 = 0x20;
export const BOOT_CS: u32 = 0x10;
export const BOOT_DS: u32 = 0x18;
/** PML4, one PDPT, four page directories: the first 4 GiB, identity, in 2 MiB pages. */
export const BOOT_TABLES_PHYS: u32 = 0x4000;
export const BOOT_TABLES_BYTES: u32 = 0x6000;
/** ACPI multiprocessor wake-up mailbox (ACPI 6.4, 5.2.12.19, "Multiprocessor Wakeup Structure"). */
export const MAILBOX_PHYS: u32 = 0x9f000;
export const MAILBOX_BYTES: u32 = 0x1000;
export const LOW_RAM_END: u32 = 0xa0000;
/** RSDP and the other tables. */
export const ACPI_PHYS: u32 = 0xe0000;
export const ACPI_BYTES: u32 = 0x20000;

// ---- High RAM -----------------------------------------------------------------------------------
export const HIGH_RAM_PHYS: u32 = 0x100000;
/** No segment of an image may lie lower. */
export const KERNEL_PHYS_MIN: u32 = 0x200000;
export const RAM_BYTES_MIN: u32 = 0x1000000;
export const RAM_BYTES_MAX: u32 = 0x40000000;

// ---- Device windows -----------------------------------------------------------------------------
/** One page for each disk controller, virtio-mmio. */
export const VIRTIO_PHYS: u32 = 0xd0000000;
export const VIRTIO_STRIDE: u32 = 0x1000;
/** Input of the I/O APIC of the first controller. */
export const GSI_VIRTIO: u32 = 4;
export const IOAPIC_PHYS: u32 = 0xfec00000;
export const IOAPIC_BYTES: u32 = 0x1000;
export const LAPIC_PHYS: u32 = 0xfee00000;
export const LAPIC_BYTES: u32 = 0x1000;
/** Everything from here to 4 GiB is uncached; the boot tables say so. */
export const DEVICE_PHYS: u32 = 0xc0000000;

// ---- Mailbox fields -----------------------------------------------------------------------------
export const MAILBOX_COMMAND: u32 = 0; // u16; WAKEUP releases the CPU named by APIC_ID
export const MAILBOX_APIC_ID: u32 = 4; // u32
export const MAILBOX_VECTOR: u32 = 8; // u64, physical address at which it starts
export const MAILBOX_COMMAND_WAKEUP: u32 = 1;

// ---- I/O ports ----------------------------------------------------------------------------------
export const PORT_EXIT: u32 = 0xf4; // a byte written is the guest's exit code
export const PORT_UART: u32 = 0x3f8; // 8 registers
export const PORT_UART_COUNT: u32 = 8;
export const PORT_SLEEP_CONTROL: u32 = 0x600; // FADT SLEEP_CONTROL_REG
export const PORT_SLEEP_STATUS: u32 = 0x601; // FADT SLEEP_STATUS_REG
/** SLEEP_CONTROL: SLP_TYPx for S5 (the value in the DSDT's \_S5) and SLP_EN. */
export const SLEEP_TYPE_S5: u32 = 5;
export const SLEEP_ENABLE: u32 = 0x20;
