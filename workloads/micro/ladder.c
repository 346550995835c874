/*
 * Latency of a load that misses to where `kib` KiB of data lie: a chain of dependent loads through
 * all lines in an order that no stride describes. The lines of a page follow each other, so that
 * few loads need a page walk.
 *
 *     ladder kib=KIB [n=LOADS]
 *
 * Prints the cycles of a load in tenths.
 */
#include "../user/pair.h"

#define LINE 64
#define PAGE 4096
#define LINES_PER_PAGE (PAGE / LINE)

/* A permutation of 0..count-1, count a power of two: an odd factor and an offset. */
static u64 scattered(u64 i, u64 count)
{
	return (i * 0x9e3779b1 + 0x2545) & (count - 1);
}

/* Line number in the chain's order -> address. */
static u64 *at(u8 *base, u64 i, u64 pages)
{
	u64 page = scattered(i / LINES_PER_PAGE, pages);

	return (u64 *)(base + page * PAGE + scattered(i % LINES_PER_PAGE, LINES_PER_PAGE) * LINE);
}

/* Loads in a row: the loop around them costs a thirtieth of a cycle each. */
#define ROW 64

static u64 *follow(u64 *p, u64 loads)
{
	for (; loads >= ROW; loads -= ROW)
		asm volatile(".rept 64\nmov (%0), %0\n.endr" : "+r"(p) : : "memory");
	return p;
}

int main(void)
{
	u64 bytes = option("kib", 16) * 1024, loads = option("n", 20000) / ROW * ROW;
	u64 lines = bytes / LINE, pages = bytes / PAGE, begin, cycles;
	u8 *base;
	u64 *p;

	if (!pages || bytes & (bytes - 1) || !loads)
		die("kib= wants a power of two from 4 on, n= 64 loads or more\n");
	base = sys_mmap(bytes);
	if ((s64)base < 0 && (s64)base > -PAGE)
		die("no memory for %lu KiB\n", bytes / 1024);
	for (u64 i = 0; i < lines; i++)
		*at(base, i, pages) = (u64)at(base, i + 1 < lines ? i + 1 : 0, pages);
	p = at(base, 0, pages);
	/* What fits into a cache is there after a round. */
	if (lines <= loads)
		p = follow(p, lines);
	begin = rdtsc();
	p = follow(p, loads);
	cycles = rdtsc() - begin;
	print("ladder kib=%lu load=%lu.%lu\n", bytes / 1024, cycles / loads,
	      cycles * 10 / loads % 10);
	return p == NULL;
}
