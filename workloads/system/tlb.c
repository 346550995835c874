/*
 * What drops a translation: INVLPG, a load of CR3, a change of CR4.PGE. That one is kept without
 * them is not checked: processors may forget at any time.
 */
#include "system.h"

#define CR4_PGE (1ul << 7)

PROBE(read_through, "", "mov (%rdi), %rax", "");

static void point(u64 *entry, const void *frame, u64 flags)
{
	*entry = virt_to_phys(frame) | PTE_P | flags;
}

static void check_reads(const char *name, u64 lin, u64 want)
{
	check_runs(name, want, read_through, lin);
}

static void check_small(void)
{
	u64 *entry = entry_of(AREA, 1);

	unmap(AREA);
	probe(read_through, AREA, 0, 0);
	point(entry, frames[0], PTE_W);
	check_reads("an absent page needs no flush to appear", AREA, 100);
	point(entry, frames[1], PTE_W);
	invlpg(AREA + 0xabc);
	check_reads("INVLPG, by any address in the page", AREA, 101);
	point(entry, frames[2], PTE_W);
	write_cr3(read_cr3());
	check_reads("CR3", AREA, 102);
	point(entry, frames[0], PTE_W | PTE_G);
	write_cr3(read_cr3());
	check_reads("CR3, to a global page", AREA, 100);
	point(entry, frames[1], PTE_W | PTE_G);
	invlpg(AREA);
	check_reads("INVLPG of a global page", AREA, 101);
	point(entry, frames[2], PTE_W | PTE_G);
	write_cr4(read_cr4() & ~CR4_PGE);
	write_cr4(read_cr4() | CR4_PGE);
	check_reads("CR4.PGE drops global pages", AREA, 102);
	*entry &= ~PTE_P;
	invlpg(AREA);
	check_fault("a page that is gone", PF, 0, read_through, AREA);
	invlpg(NON_CANONICAL);
	check("INVLPG of a non-canonical address does nothing", true);
}

/* A table moved: every page below it changes at once. */
static void check_upper(void)
{
	static u64 other[512] __attribute__((aligned(PAGE_SIZE)));
	u64 *table = entry_of(AREA, 2), old = *table;

	point(entry_of(AREA, 1), frames[0], PTE_W);
	point(entry_of(AREA + PAGE_SIZE, 1), frames[1], PTE_W);
	write_cr3(read_cr3());
	check_reads("first page", AREA, 100);
	check_reads("second page", AREA + PAGE_SIZE, 101);
	point(&other[0], frames[2], PTE_W);
	point(&other[1], frames[3], PTE_W);
	*table = virt_to_phys(other) | PTE_P | PTE_W | PTE_U;
	write_cr3(read_cr3());
	check_reads("first page by another table", AREA, 102);
	check_reads("second page by another table", AREA + PAGE_SIZE, 103);
	*table = old;
	/* INVLPG of one page also drops what is kept of the tables above. */
	invlpg(AREA);
	check_reads("first page by the old table", AREA, 100);
	write_cr3(read_cr3());
	check_reads("second page by the old table", AREA + PAGE_SIZE, 101);
}

/* Two pages of 2 MiB in turn at one address: one INVLPG is for all 512 pieces. */
static void check_large(void)
{
	u64 *entry = entry_of(AREA_2M, 2);
	u64 phys = virt_to_phys(frames[0]) & ~((1ul << 21) - 1), lin;

	lin = AREA_2M + (virt_to_phys(frames[0]) - phys);
	*entry = phys | PTE_P | PTE_W | PTE_PS;
	check_reads("a large page", lin, 100);
	check_reads("another piece of it", lin + PAGE_SIZE, 101);
	*entry = 0x200000 * 20 | PTE_P | PTE_W | PTE_PS;
	store64((u64)phys_to_virt(0x200000 * 20 + lin % 0x200000), 7);
	store64((u64)phys_to_virt(0x200000 * 20 + (lin + PAGE_SIZE) % 0x200000), 8);
	invlpg(lin + PAGE_SIZE);
	check_reads("INVLPG of another piece", lin, 7);
	check_reads("and of its own", lin + PAGE_SIZE, 8);
	*entry = 0;
	invlpg(lin);
}

void check_tlb(void)
{
	for (u32 i = 0; i < 4; i++)
		store64((u64)frames[i], 100 + i);
	check_small();
	check_upper();
	check_large();
	unmap(AREA);
	unmap(AREA + PAGE_SIZE);
}
