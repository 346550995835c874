/* The I/O APIC (82093AA data sheet): redirection entries behind an index and a data register. */
#include "ioapic.h"

#include "mmio.h"
#include "spinlock.h"

#define IOAPIC_PHYS 0xfec00000
#define IOREGSEL 0x00
#define IOWIN 0x10
#define REDIRECTION 0x10

#define LOWEST_PRIORITY (1 << 8)
#define LOGICAL (1 << 11)
#define LEVEL_TRIGGERED (1 << 15)
#define ANY_CPU (0xffu << 24)

static DEFINE_SPINLOCK(ioapic_lock);

static void ioapic_write(u32 index, u32 value)
{
	volatile u32 *ioapic = device_at(IOAPIC_PHYS);

	writel(ioapic, IOREGSEL, index);
	writel(ioapic, IOWIN, value);
}

/*
 * The line's interrupts go to whatever CPU the chipset chooses. The upper half comes first: with
 * the lower one the entry is live.
 */
void ioapic_route(u32 gsi, u8 vector)
{
	u64 flags = spin_lock_irqsave(&ioapic_lock);

	ioapic_write(REDIRECTION + 2 * gsi + 1, ANY_CPU);
	ioapic_write(REDIRECTION + 2 * gsi, vector | LOWEST_PRIORITY | LOGICAL | LEVEL_TRIGGERED);
	spin_unlock_irqrestore(&ioapic_lock, flags);
}
