/*
 * What w001 tells about itself: the symbol `w001_stats` of the program, at a user address. The
 * host reads it on a stopped machine; phase_hangs is filled by a scan only.
 *
 *       0 | magic u64 "W001STAT" | 8 | version u32 | 12 | state u32
 *      16 | mode char[8]: "W001i", "W001iii" ...
 *      24 | submitter_cpu u32 | 28 | reaper_cpu u32 | 32 | rounds_wanted u64 | 40 | warm_rounds u64
 *      48 | round u64: the one under way, from 0, warm ones included
 *      56 | rounds u64: counted and finished
 *      64 | delay u64: cycles that the reaper waited before this round | 72 | give_ups u64 
 *      80 | evict_cycles u64: making the ring cold took | 88 | round_cycles_max u64
 *      96 | slow_rounds u64: that waited for a timer | pad
 *     128 | reaped u64: events that the reaper took | 136 | checksum u64
 *     144 | lines u64: checksummed | pad
 *     192 | phase_low u64 | 200 | phase_step u64 | 208 | phases u64 | 216 | reps u64
 *     224 | phase_hangs u16[4096]: hangs at phase_low + i * phase_step
 *    8416 | histogram u32[384]: the reaper's calls by the cycles from the submitter's call for the
 *         |   same event to them; bin i begins at W001_HISTOGRAM_LOW + i * W001_HISTOGRAM_STEP, the
 *         |   first and the last take what lies beyond
 */
#ifndef W001_STATS_H
#define W001_STATS_H

#include <stdint.h>

#define W001_STATS_MAGIC 0x5441545331303057ul
#define W001_STATS_VERSION 2
#define W001_PHASES_MAX 4096
#define W001_HISTOGRAM_BINS 384
#define W001_HISTOGRAM_LOW (-8192)
#define W001_HISTOGRAM_STEP 64

#define W001_STARTING 0
#define W001_WARMING 1	/* first wrap of the ring */
#define W001_COUNTING 2
#define W001_DONE 3
#define W001_GAVE_UP 4	/* the submitter waited in vain and sleeps for ever */

struct w001_stats {
	/* Written by the submitter. */
	uint64_t magic;
	uint32_t version;
	uint32_t state;
	char mode[8];
	uint32_t submitter_cpu, reaper_cpu;
	uint64_t rounds_wanted, warm_rounds;
	uint64_t round, rounds;
	uint64_t delay, give_ups;
	uint64_t evict_cycles, round_cycles_max, slow_rounds;
	uint64_t pad0[3];
	/* Written by the reaper, on lines of their own. */
	uint64_t reaped, checksum, lines;
	uint64_t pad1[5];
	/* Written by the submitter. */
	uint64_t phase_low, phase_step, phases, reps;
	uint16_t phase_hangs[W001_PHASES_MAX];
	/* Written by the reaper. */
	uint32_t histogram[W001_HISTOGRAM_BINS];
} __attribute__((aligned(64)));

#endif
