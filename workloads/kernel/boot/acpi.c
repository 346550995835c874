/*
 * Finds the processors: RSDP, XSDT, MADT (ACPI 6.4, 5.2.5 "Root System Description Pointer",
 * 5.2.8 "Extended System Description Table", 5.2.12 "Multiple APIC Description Table"). Nothing
 * else is read: there is no AML interpreter.
 */
#include "acpi.h"

#include "../core/panic.h"
#include "../core/string.h"

#define MADT_LOCAL_APIC 0
#define MADT_LOCAL_X2APIC 9
#define MADT_MP_WAKEUP 0x10
#define MADT_ENABLED 1

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 extended_checksum;
	u8 reserved[3];
} __attribute__((packed));

struct table_header {
	char signature[4];
	u32 length;
	u8 revision;
	u8 checksum;
	char oem[6];
	char oem_table[8];
	u32 oem_revision;
	char creator[4];
	u32 creator_revision;
} __attribute__((packed));

struct madt_entry {
	u8 type;
	u8 length;
} __attribute__((packed));

struct madt_local_apic {
	struct madt_entry entry;
	u8 uid;
	u8 apic_id;
	u32 flags;
} __attribute__((packed));

struct madt_local_x2apic {
	struct madt_entry entry;
	u16 reserved;
	u32 apic_id;
	u32 flags;
	u32 uid;
} __attribute__((packed));

struct madt_mp_wakeup {
	struct madt_entry entry;
	u16 version;
	u32 reserved;
	u64 mailbox;
} __attribute__((packed));

struct acpi_info acpi_info;

static const void *table_at(u64 phys, const char *what)
{
	if (!phys || phys >= KERNEL_WINDOW)
		panic("ACPI: %s at %lx is out of reach", what, phys);
	return phys_to_virt(phys);
}

static void check_sum(const void *table, u32 length, const char *what)
{
	const u8 *byte = table;
	u8 sum = 0;

	for (u32 i = 0; i < length; i++)
		sum += byte[i];
	if (sum)
		panic("ACPI: checksum of %s is off by %u", what, sum);
}

static void add_cpu(u32 apic_id, u32 flags)
{
	if (!(flags & MADT_ENABLED))
		return;
	if (acpi_info.cpu_count == CPUS_MAX)
		panic("ACPI: more than %d processors", CPUS_MAX);
	acpi_info.apic_id[acpi_info.cpu_count++] = apic_id;
}

static void read_madt(const struct table_header *madt)
{
	/* The header is followed by the local APIC address and the flags, then by the entries. */
	const u8 *at = (const u8 *)(madt + 1) + 8;
	const u8 *end = (const u8 *)madt + madt->length;

	while (at + sizeof(struct madt_entry) <= end) {
		const struct madt_entry *entry = (const void *)at;
		const struct madt_local_apic *apic = (const void *)at;
		const struct madt_local_x2apic *x2apic = (const void *)at;
		const struct madt_mp_wakeup *wakeup = (const void *)at;

		if (entry->length < sizeof(*entry) || at + entry->length > end)
			panic("ACPI: MADT entry of type %u has length %u", entry->type,
			      entry->length);
		if (entry->type == MADT_LOCAL_APIC)
			add_cpu(apic->apic_id, apic->flags);
		else if (entry->type == MADT_LOCAL_X2APIC)
			add_cpu(x2apic->apic_id, x2apic->flags);
		else if (entry->type == MADT_MP_WAKEUP)
			acpi_info.mailbox_phys = wakeup->mailbox;
		at += entry->length;
	}
}

void acpi_init(u64 rsdp_phys)
{
	const struct rsdp *rsdp = table_at(rsdp_phys, "RSDP");
	const struct table_header *xsdt;
	u32 count;

	if (strncmp(rsdp->signature, "RSD PTR ", 8) != 0)
		panic("ACPI: no RSDP at %lx", rsdp_phys);
	check_sum(rsdp, sizeof(*rsdp), "RSDP");

	xsdt = table_at(rsdp->xsdt, "XSDT");
	check_sum(xsdt, xsdt->length, "XSDT");
	count = (xsdt->length - sizeof(*xsdt)) / 8;
	for (u32 i = 0; i < count; i++) {
		const struct table_header *table;
		u64 phys;

		memcpy(&phys, (const u8 *)(xsdt + 1) + i * 8, 8);
		table = table_at(phys, "table");
		if (strncmp(table->signature, "APIC", 4) == 0) {
			check_sum(table, table->length, "MADT");
			read_madt(table);
		}
	}
	if (!acpi_info.cpu_count)
		panic("ACPI: no enabled processor in a MADT");
}
