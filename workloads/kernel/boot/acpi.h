/* What the ACPI tables say about processors. */
#ifndef ACPI_H
#define ACPI_H

#include "../core/types.h"

struct acpi_info {
	u32 cpu_count;
	u32 apic_id[CPUS_MAX]; /* in the order of the MADT: CPU numbers */
	u64 mailbox_phys;      /* multiprocessor wake-up mailbox, 0: none */
};

extern struct acpi_info acpi_info;

void acpi_init(u64 rsdp_phys);

#endif
