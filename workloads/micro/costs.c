/*
 * What fences and locked operations cost when the store buffer is empty and the line is in M in the
 * L1: the time of COUNT of them in a row, without that of reading the time.
 *
 *     costs
 *
 * Prints the cycles of each in tenths.
 */
#include "../user/pair.h"

#define COUNT 200
#define STRING(x) #x
#define REPEAT(count, code) ".rept " STRING(count) "\n" code "\n.endr"

static u64 word LINE_ALIGNED;

#define OPERATION(name, code)                                                                      \
	static __attribute__((noinline)) u64 time_##name(void)                                     \
	{                                                                                          \
		u64 value = 0, begin;                                                              \
                                                                                                   \
		word = 1;                                                                          \
		mfence();                                                                          \
		begin = rdtsc();                                                                   \
		asm volatile(REPEAT(COUNT, code)                                                   \
			     : "+r"(value), "+m"(word)                                             \
			     :                                                                     \
			     : "memory", "cc");                                                    \
		return rdtsc() - begin;                                                            \
	}

OPERATION(mfence, "mfence")
OPERATION(sfence, "sfence")
OPERATION(lfence, "lfence")
OPERATION(lock, "lock addq $1, %1")
OPERATION(xchg, "xchg %0, %1")
OPERATION(pause, "pause")
OPERATION(nothing, "")

static void measure(const char *name, u64 (*time)(void))
{
	u64 cycles = 0;

	/* At first the code is in no instruction cache. */
	for (volatile u32 i = 0; i < 3; i++)
		cycles = time() - time_nothing();
	print("%s %lu.%lu\n", name, cycles / COUNT, cycles * 10 / COUNT % 10);
}

int main(void)
{
	measure("mfence", time_mfence);
	measure("sfence", time_sfence);
	measure("lfence", time_lfence);
	measure("lock", time_lock);
	measure("xchg", time_xchg);
	measure("pause", time_pause);
	return 0;
}
