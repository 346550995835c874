/*
 * W001c: throws lines of the ring out of the caches by reading enough other lines of their sets.
 * The sets are chosen by physical address (SDM Vol. 3A, "Cache Control"), of which a program knows
 * the part below the page; which of the page colours the ring has is found by timing. The memory
 * that is read for it is contiguous.
 */
#ifndef W001_COLD_H
#define W001_COLD_H

#include "w001.h"

#define PAGE_BYTES 4096
#define COLD_TRIALS 3

static struct {
	const u8 *memory;
	u64 way_bytes; /* sets times line */
	u32 ways;
	u64 color;
} cold;

/* Of the line at `offset` in a page of the colour, as many as the set has ways and one more. */
static void evict_color(u64 color, u64 offset)
{
	const u8 *line = cold.memory + color * PAGE_BYTES + offset;

	for (u32 way = 0; way <= cold.ways; way++)
		(void)READ_ONCE(line[way * cold.way_bytes]);
}

/* The line of the ring's header, and that of the next event. */
static void evict_ring(void)
{
	u32 tail = READ_ONCE(ring()[RING_HEADER_TAIL]);
	u64 slot = (tail + 1) * sizeof(struct io_event);

	evict_color(cold.color, slot & ~(u64)(CACHE_LINE - 1));
	evict_color(cold.color, 0);
}

static u64 time_header(void)
{
	u64 start = rdtsc();

	(void)READ_ONCE(ring()[RING_HEADER_NR]);
	return rdtsc() - start;
}

/* The colour after whose eviction the ring's header takes longest to come. */
static void cold_init(void)
{
	u64 slowest = 0;

	cold.ways = option("ways", 16);
	cold.way_bytes = option("sets", 4096) * CACHE_LINE;
	cold.memory = sys_mmap((cold.ways + 1) * cold.way_bytes);
	for (u64 color = 0; color < cold.way_bytes / PAGE_BYTES; color++) {
		u64 fastest = ~0ul;

		for (u32 trial = 0; trial < COLD_TRIALS; trial++) {
			u64 cycles;

			evict_color(color, 0);
			cycles = time_header();
			if (cycles < fastest)
				fastest = cycles;
		}
		if (fastest > slowest) {
			slowest = fastest;
			cold.color = color;
		}
	}
}

#endif
