/*
 * Store buffering: each side stores to one line and loads the other's. Without a fence both may
 * read 0 (SDM Vol. 3A, "Loads May Be Reordered with Earlier Stores to Different Locations"); with
 * one between the store and the load they may not.
 *
 *     side 0: x = 1; r = y        side 1: y = 1; r = x
 */
#include "litmus.h"

static void test_prepare(u32 side)
{
	if (side == 0)
		STORE(x, 0);
	else
		STORE(y, 0);
}

static inline __attribute__((always_inline)) u64 sb(u32 side, enum fence kind)
{
	struct line *mine = side ? &y : &x, *other = side ? &x : &y;

	STORE(*mine, 1);
	fence(kind, side);
	return LOAD(*other);
}

static __attribute__((noinline)) u64 sb_none(u32 side)
{
	return sb(side, FENCE_NONE);
}

static __attribute__((noinline)) u64 sb_mfence(u32 side)
{
	return sb(side, FENCE_MFENCE);
}

static __attribute__((noinline)) u64 sb_lock(u32 side)
{
	return sb(side, FENCE_LOCK);
}

static u64 (*const test_run[FENCES])(u32) = { sb_none, sb_mfence, sb_lock };

static u32 forbidden_of(enum fence kind)
{
	return kind == FENCE_NONE ? OUTCOMES : 0;
}

int main(void)
{
	static const char *const names[OUTCOMES] = {
		"0:r=0; 1:r=0;",
		"0:r=0; 1:r=1;",
		"0:r=1; 1:r=0;",
		"0:r=1; 1:r=1;",
	};

	return litmus_main("sb", names, forbidden_of, 0);
}
