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

#define COMPILER_BARRIER() asm volatile("" : : : "memory")

static inline void pause(void)
{
	asm volatile("pause" : : : "memory");
}

#define inlined static inline __attribute__((always_inline))

#endif
