/*
 * How long a line takes from one CPU to another: a counter that two CPUs raise in turn.
 *
 *     pingpong [a=CPU b=CPU] [n=ROUNDS]     without a and b: all pairs
 *
 * `store`: each side polls until the other's value is there, then stores its own: a load that
 * misses and an ownership request. `cas`: each side tries LOCK CMPXCHG until it succeeds:
 * ownership only. One-way cycles, in tenths: the time of n round trips divided by 2n. The first
 * round trips are not counted.
 */
#include "pair.h"

#define WARM 16

static u64 counter LINE_ALIGNED;
static u64 rounds;
static u64 begin, end;

static void store_side(u32 side)
{
	for (u64 i = 0; i < WARM + rounds; i++) {
		u64 mine = 2 * i + side;

		if (side == 0 && i == WARM)
			begin = rdtsc();
		while (READ_ONCE(counter) != mine)
			;
		WRITE_ONCE(counter, mine + 1);
	}
	if (side == 0) {
		while (READ_ONCE(counter) != 2 * (WARM + rounds))
			;
		end = rdtsc();
	}
}

static void cas_side(u32 side)
{
	for (u64 i = 0; i < WARM + rounds; i++) {
		u64 mine = 2 * i + side;

		if (side == 0 && i == WARM)
			begin = rdtsc();
		while (!cmpxchg(&counter, mine, mine + 1))
			;
	}
	if (side == 0) {
		while (!cmpxchg(&counter, 2 * (WARM + rounds), 0))
			;
		end = rdtsc();
	}
}

static u64 one_way_tenths(u32 a, u32 b, side_t side)
{
	counter = 0;
	run_pair(a, b, side);
	return (end - begin) * 10 / (2 * rounds);
}

static void measure(u32 a, u32 b)
{
	u64 store = one_way_tenths(a, b, store_side);
	u64 cas = one_way_tenths(a, b, cas_side);

	print("pingpong %u %u store=%lu.%lu cas=%lu.%lu\n", a, b, store / 10, store % 10, cas / 10,
	      cas % 10);
}

int main(void)
{
	u64 allowed = allowed_cpus();

	rounds = option("n", 1000);
	if (!rounds)
		die("n must be above zero\n");
	if (option_string("a", NULL)) {
		measure(option("a", 0), option("b", 1));
		return 0;
	}
	for (u32 a = 0; a < 64; a++)
		for (u32 b = a + 1; b < 64; b++)
			if (allowed >> a & 1 && allowed >> b & 1)
				measure(a, b);
	return 0;
}
