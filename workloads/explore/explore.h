/* For functions that `smpbox explore` runs on a few CPUs at once. */
#ifndef EXPLORE_H
#define EXPLORE_H

#include "smpbox.h"

/* A full fence, or nothing: the broken variants differ from the right ones in this alone. */
#define FENCE(fenced)                                                                              \
	do {                                                                                       \
		if (fenced)                                                                        \
			asm volatile("mfence" : : : "memory");                                     \
		else                                                                               \
			asm volatile("" : : : "memory");                                           \
	} while (0)

/* A variable with a cache line of its own, as far as those behind it have one, too. */
#define ON_A_LINE __attribute__((aligned(64)))

#define COMPILER_BARRIER() asm volatile("" : : : "memory")

#define inlined static inline __attribute__((always_inline))

inlined void pause(void)
{
	asm volatile("pause" : : : "memory");
}

/* What a side of a pair has between its accesses; LOCKED: one of those is a locked instruction. */
enum fence { NO_FENCE, WMB, MB, LOCKED };

inlined void fence(enum fence kind)
{
	if (kind == WMB)
		asm volatile("sfence" : : : "memory");
	else if (kind == MB)
		asm volatile("mfence" : : : "memory");
}

/* XCHG with memory is locked, so it is a full fence, too. */
inlined int xchg(volatile int *place, int value)
{
	asm volatile("xchgl %0, %1" : "+r"(value), "+m"(*place) : : "memory");
	return value;
}

/* A plain store frees it: *lock = 0. */
inlined void take_lock(volatile int *lock)
{
	while (xchg(lock, 1))
		;
}

#endif
