/* The page tables of the area that the checks use: one slot of the kernel's PML4. */
#include "system.h"

#include "../kernel/core/panic.h"

#define TABLES_MAX 16

extern u64 boot_pml4[512];

u8 frames[FRAMES][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static u64 tables[TABLES_MAX][512] __attribute__((aligned(PAGE_SIZE)));
static u32 tables_used;

u64 *entry_of(u64 lin, u32 level)
{
	u64 *table = boot_pml4;

	for (u32 above = 4;; above--) {
		u64 *entry = &table[lin >> (12 + 9 * (above - 1)) & 511];

		if (above == level)
			return entry;
		if (!(*entry & PTE_P)) {
			if (tables_used == TABLES_MAX)
				panic("more than %d page tables", TABLES_MAX);
			*entry = virt_to_phys(tables[tables_used++]) | PTE_P | PTE_W | PTE_U;
		}
		table = phys_to_virt(*entry & 0x000ffffffffff000);
	}
}

void map(u64 lin, const void *frame, u64 flags)
{
	*entry_of(lin, 1) = virt_to_phys(frame) | PTE_P | flags;
	invlpg(lin);
}

void unmap(u64 lin)
{
	*entry_of(lin, 1) = 0;
	invlpg(lin);
}
