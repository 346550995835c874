/*
 * What a barrier costs behind stores that still wait in the store buffer. Side 0 stores to PENDING
 * lines and comes to the site; before, each line was put into one state:
 *
 *     hit      M in the L1 of side 0
 *     shared   S in both sides' caches: the stores wait for invalidations
 *     remote   M in side 1's cache: the stores wait for the lines
 *
 *     fences a=CPU b=CPU [n=SAMPLES]
 *
 * Prints the cycles from the first store to behind the barrier, median and 99 % of n samples, with
 * whatever stands at the site "fence"; without a barrier it is the price of the stores alone.
 */
#include "../user/pair.h"
#include <smpbox.h>

#define LINES 16
#define SAMPLES_MAX 1000
/* The code is in no instruction cache at first. */
#define WARM 4

struct line {
	u64 value;
	u64 pad[7];
} LINE_ALIGNED;

enum state { HIT, SHARED, REMOTE };

static struct line lines[LINES];
static u64 turn LINE_ALIGNED;
static u64 samples[SAMPLES_MAX] LINE_ALIGNED;
static enum state state;
static u64 rounds;
static u64 (*time_stores)(void);

/* The stores are one behind the other, so that none commits while a loop counts. */
#define STORES(name, which)                                                                        \
	static __attribute__((noinline)) u64 time_##name(void)                                     \
	{                                                                                          \
		u64 begin = rdtsc();                                                               \
                                                                                                   \
		asm volatile(".irp line, " which "\n"                                              \
			     "	mov %0, 64 * \\line(%1)\n"                                         \
			     ".endr"                                                               \
			     :                                                                     \
			     : "r"(begin), "r"(lines)                                              \
			     : "memory");                                                          \
		barrier_site("fence");                                                             \
		return rdtsc() - begin;                                                            \
	}

static __attribute__((noinline)) u64 time_0(void)
{
	u64 begin = rdtsc();

	barrier_site("fence");
	return rdtsc() - begin;
}
STORES(1, "0")
STORES(4, "0,1,2,3")
STORES(16, "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15")

static void write_all(u64 value)
{
	for (u32 i = 0; i < LINES; i++)
		WRITE_ONCE(lines[i].value, value);
	mfence();
}

static void read_all(void)
{
	for (u32 i = 0; i < LINES; i++)
		(void)READ_ONCE(lines[i].value);
}

static void measuring_side(u64 round)
{
	write_all(round);
	WRITE_ONCE(turn, 2 * round + 1);
	while (READ_ONCE(turn) != 2 * round + 2)
		;
	mfence();
	samples[round < WARM ? 0 : round - WARM] = time_stores();
	mfence();
}

static void other_side(u64 round)
{
	while (READ_ONCE(turn) != 2 * round + 1)
		;
	if (state == SHARED)
		read_all();
	if (state == REMOTE)
		write_all(round);
	WRITE_ONCE(turn, 2 * round + 2);
}

static void side(u32 which)
{
	for (u64 round = 0; round < WARM + rounds; round++) {
		if (which == 0)
			measuring_side(round);
		else
			other_side(round);
	}
}

static void sort_samples(void)
{
	for (u64 i = 1; i < rounds; i++) {
		u64 value = samples[i], at = i;

		for (; at && samples[at - 1] > value; at--)
			samples[at] = samples[at - 1];
		samples[at] = value;
	}
}

static void measure(const char *name, enum state lines_state, u32 pending, u64 (*time)(void))
{
	state = lines_state;
	time_stores = time;
	turn = 0;
	run_pair(option("a", 0), option("b", 1), side);
	sort_samples();
	print("fences lines=%s pending=%u median=%lu p99=%lu\n", name, pending,
	      samples[rounds / 2], samples[rounds * 99 / 100]);
}

int main(void)
{
	static const char *const names[] = {"hit", "shared", "remote"};

	rounds = option("n", 101);
	if (!rounds || rounds > SAMPLES_MAX)
		die("n must be 1 to %u\n", SAMPLES_MAX);
	for (u32 kind = HIT; kind <= REMOTE; kind++) {
		measure(names[kind], kind, 0, time_0);
		measure(names[kind], kind, 1, time_1);
		measure(names[kind], kind, 4, time_4);
		measure(names[kind], kind, 16, time_16);
	}
	return 0;
}
