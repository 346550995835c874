/* Page faults and their error codes, permissions, accessed and dirty bits, large pages. */
#include "system.h"

#define CR0_WP (1ul << 16)
#define PAGE0 AREA
#define PAGE1 (AREA + PAGE_SIZE)
#define LEVEL2_W PTE_W

PROBE(read_page, "", "mov (%rdi), %rax", "");
PROBE(write_page, "", "mov %rsi, (%rdi)", "mov (%rdi), %rax");
PROBE(modify_page, "", "addl $1, (%rdi)", "");
PROBE(compare_page, "mov $-5, %eax", "cmpxchg %rsi, (%rdi)", "");
PROBE(call_page, "", "call *%rdi", "");
/* What is executed in a page of the checks: it returns. */
static const u8 return_code[] = { 0xb8, 0x2a, 0, 0, 0, 0xc3 }; /* mov $42, %eax; ret */

static u64 last_cr2(void)
{
	return this_cpu()->last_cr2;
}

static void check_pf(const char *name, u64 error, const void *at, probe_fn fn, u64 lin)
{
	asm volatile("mov %0, %%cr2" : : "r"(0ul));
	check_trap(name, probe(fn, lin, 0, 0), PF, error, at);
	check_equal("its CR2", last_cr2(), lin);
}

static void check_permissions(void)
{
	unmap(PAGE0);
	check_pf("read of an absent page", 0, read_page_at, read_page, PAGE0 + 0x123);
	check_pf("write to an absent page", PF_WRITE, write_page_at, write_page, PAGE0 + 8);
	check_pf("read and write of an absent page", PF_WRITE, modify_page_at, modify_page, PAGE0);
	check_pf("fetch from an absent page", PF_FETCH, (void *)PAGE0, call_page, PAGE0);
	check_pf("read with no upper table", 0, read_page_at, read_page, AREA + (500ul << 30));

	map(PAGE0, frames[0], PTE_NX);
	check_runs("read of a read-only page", 0, read_page, PAGE0);
	check_pf("write to a read-only page", PF_WRITE | PF_PRESENT, write_page_at, write_page,
		 PAGE0);
	check_pf("failing CMPXCHG to a read-only page", PF_WRITE | PF_PRESENT, compare_page_at,
		 compare_page, PAGE0);
	check_pf("fetch from an NX page", PF_FETCH | PF_PRESENT, (void *)PAGE0, call_page, PAGE0);
	write_cr0(read_cr0() & ~CR0_WP);
	check_runs("write to it without CR0.WP", 77, write_page, PAGE0, 77);
	write_cr0(read_cr0() | CR0_WP);
	check_pf("write to it with CR0.WP again", PF_WRITE | PF_PRESENT, write_page_at, write_page,
		 PAGE0);

	memcpy(frames[0], return_code, sizeof(return_code));
	map(PAGE0, frames[0], 0);
	check_runs("fetch from an executable page", 42, call_page, PAGE0);
	*entry_of(PAGE0, 2) |= PTE_NX;
	write_cr3(read_cr3());
	check_pf("NX in the level above", PF_FETCH | PF_PRESENT, (void *)PAGE0, call_page, PAGE0);
	*entry_of(PAGE0, 2) &= ~(PTE_NX | LEVEL2_W);
	map(PAGE0, frames[0], PTE_W);
	write_cr3(read_cr3());
	check_pf("read-only in the level above", PF_WRITE | PF_PRESENT, write_page_at, write_page,
		 PAGE0);
	*entry_of(PAGE0, 2) |= LEVEL2_W;
	write_cr3(read_cr3());
	check_runs("and writable again", 5, write_page, PAGE0, 5);
	map(PAGE0, frames[0], PTE_W | 1ul << 45);
	check_pf("a reserved bit, read", PF_RESERVED | PF_PRESENT, read_page_at, read_page, PAGE0);
	check_pf("a reserved bit, write", PF_RESERVED | PF_PRESENT | PF_WRITE, write_page_at,
		 write_page, PAGE0);
	unmap(PAGE0);
}

static u64 bits_of(u64 lin, u32 level)
{
	return *entry_of(lin, level) & (PTE_A | PTE_D);
}

static void check_accessed(void)
{
	map(PAGE0, frames[0], PTE_W);
	for (u32 level = 2; level <= 4; level++)
		*entry_of(PAGE0, level) &= ~PTE_A;
	write_cr3(read_cr3());
	check_equal("nothing is accessed yet", bits_of(PAGE0, 1), 0);
	probe(read_page, PAGE0, 0, 0);
	check_equal("a read sets A", bits_of(PAGE0, 1), PTE_A);
	check("and A in every level above",
	      bits_of(PAGE0, 2) & bits_of(PAGE0, 3) & bits_of(PAGE0, 4));
	probe(write_page, PAGE0, 1, 0);
	check_equal("a write then sets D", bits_of(PAGE0, 1), PTE_A | PTE_D);
	*entry_of(PAGE0, 1) &= ~(PTE_A | PTE_D);
	invlpg(PAGE0);
	probe(write_page, PAGE0, 1, 0);
	check_equal("a first write sets both", bits_of(PAGE0, 1), PTE_A | PTE_D);
	map(PAGE0, frames[0], 0);
	probe(write_page, PAGE0, 1, 0);
	check_equal("a refused write does not set D", bits_of(PAGE0, 1) & PTE_D, 0);
	memcpy(frames[0], return_code, sizeof(return_code));
	map(PAGE0, frames[0], 0);
	probe(call_page, PAGE0, 0, 0);
	check_equal("a fetch sets A", bits_of(PAGE0, 1), PTE_A);
	unmap(PAGE0);
}

/* The frames through a page of 2 MiB or 1 GiB. */
static void check_large(const char *name, u64 area, u32 level)
{
	u64 size = level == 2 ? 1ul << 21 : 1ul << 30;
	u64 phys = virt_to_phys(frames[3]), lin = area + phys % size;
	u64 *entry = entry_of(area, level);

	group(name);
	*entry = phys / size * size | PTE_P | PTE_W | PTE_PS;
	store64((u64)frames[3], 0xabcdef);
	check_runs("read", 0xabcdef, read_page, lin);
	check_equal("it sets A", *entry & (PTE_A | PTE_D), PTE_A);
	check_runs("write", 0x1234, write_page, lin + 16, 0x1234);
	check_equal("it sets D", *entry & (PTE_A | PTE_D), PTE_A | PTE_D);
	check_equal("it arrives", load64((u64)frames[3] + 16), 0x1234);
	store64((u64)frames[4], 0x5678);
	check_runs("read of another 4 KiB", 0x5678, read_page, lin + PAGE_SIZE);
	*entry &= ~PTE_W;
	invlpg(area); /* any address in the page */
	check_pf("write when read-only", PF_WRITE | PF_PRESENT, write_page_at, write_page, lin);
	*entry |= 1ul << 13;
	invlpg(area);
	check_pf("a reserved bit of the address", PF_RESERVED | PF_PRESENT, read_page_at, read_page,
		 lin);
	*entry = 0;
	invlpg(area);
	check_pf("gone", 0, read_page_at, read_page, lin);
}

void check_pages(void)
{
	check_permissions();
	check_accessed();
	check_large("2 MiB page", AREA_2M, 2);
	check_large("1 GiB page", AREA_1G, 3);
}
