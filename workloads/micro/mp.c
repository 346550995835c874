/*
 * Message passing: side 0 stores data, then a flag; side 1 loads the flag, then the data. Stores
 * become visible in order and loads are done in order (SDM Vol. 3A, "Neither Loads Nor Stores Are
 * Reordered with Like Operations"), so the flag without the data is forbidden with and without
 * fences.
 *
 *     side 0: x = 1; y = 1        side 1: flag = y; data = x
 */
#include "litmus.h"

#define SKEW 400 /* both orders of the two sides must be seen */

static void test_prepare(u32 side)
{
	if (side == 0) {
		STORE(x, 0);
		STORE(y, 0);
	}
}

static inline __attribute__((always_inline)) u64 mp(u32 side, enum fence kind)
{
	u64 flag, data;

	if (side == 0) {
		STORE(x, 1);
		fence(kind, side);
		STORE(y, 1);
		return 0;
	}
	flag = LOAD(y);
	fence(kind, side);
	data = LOAD(x);
	return flag << 1 | data;
}

static __attribute__((noinline)) u64 mp_none(u32 side)
{
	return mp(side, FENCE_NONE);
}

static __attribute__((noinline)) u64 mp_mfence(u32 side)
{
	return mp(side, FENCE_MFENCE);
}

static __attribute__((noinline)) u64 mp_lock(u32 side)
{
	return mp(side, FENCE_LOCK);
}

static u64 (*const test_run[FENCES])(u32) = { mp_none, mp_mfence, mp_lock };

static u32 forbidden_of(enum fence kind)
{
	(void)kind;
	return 2;
}

int main(void)
{
	static const char *const names[OUTCOMES] = {
		"1:flag=0; 1:data=0;",
		"1:flag=0; 1:data=1;",
		"1:flag=1; 1:data=0;",
		"1:flag=1; 1:data=1;",
	};

	return litmus_main("mp", names, forbidden_of, SKEW);
}
