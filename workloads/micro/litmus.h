/*
 * The frame of a two-thread litmus program: many iterations of a short test, each from a known
 * state of the caches, both sides starting in the same cycle as nearly as the time-stamp counter
 * tells.
 *
 *     [a=CPU b=CPU] [n=ITERATIONS] [lines=shared|owned] [fence=none|mfence|lock] [skew=CYCLES]
 *
 * An iteration: side 0 clears x and y; the lines are brought into the wanted state, shared (both
 * sides have read both) or owned (each side has written what it will store to); side 0 names a
 * start time; both run; side 0 counts the outcome. With skew, each side starts a random time
 * below that later.
 *
 * A test supplies test_prepare(side), test_run[fence](side), which returns 0 or 1 in bits 1:0,
 * and the outcomes' names.
 */
#ifndef LITMUS_H
#define LITMUS_H

#include "../user/pair.h"

enum fence { FENCE_NONE, FENCE_MFENCE, FENCE_LOCK, FENCES };

#define OUTCOMES 4
#define START_DISTANCE 800 /* cycles from naming the start to it: longer than a line's way across */
#define POLL_CYCLES 250	   /* the last so many cycles are counted down, not polled */

struct line {
	u64 value;
	u64 pad[7];
} LINE_ALIGNED;

static struct line x, y;
static struct line scratch[2];
static struct line arrived[2]; /* barriers that this side has reached */
static struct line start;
static struct line result[2];

static struct {
	u64 iterations, skew;
	bool owned;
	enum fence fence;
} litmus;

static u64 outcomes[OUTCOMES], late;

/* What the tests are written with: one machine access each. */
#define LOAD(line) READ_ONCE((line).value)
#define STORE(line, v) WRITE_ONCE((line).value, (v))

static inline __attribute__((always_inline)) void fence(enum fence kind, u32 side)
{
	if (kind == FENCE_MFENCE)
		mfence();
	else if (kind == FENCE_LOCK)
		asm volatile("lock incq %0" : "+m"(scratch[side].value) : : "memory", "cc");
	else
		asm volatile("" : : : "memory");
}

static void test_prepare(u32 side);
static u64 (*const test_run[FENCES])(u32 side);

static void barrier(u32 side)
{
	u64 mine = arrived[side].value + 1;

	WRITE_ONCE(arrived[side].value, mine);
	while (READ_ONCE(arrived[1 - side].value) < mine)
		;
}

/* Two cycles a step where an instruction takes one. */
static inline void count_down(u64 cycles)
{
	u64 steps = cycles / 2 + 1;

	asm volatile("1: dec %0; jnz 1b" : "+r"(steps) : : "cc");
}

static void wait_until(u64 time, u64 extra)
{
	s64 left = time - rdtsc();

	if (left < POLL_CYCLES) {
		late++;
		return;
	}
	while ((left = time - rdtsc()) > POLL_CYCLES)
		;
	count_down((left > 0 ? left : 0) + extra);
}

static void litmus_side(u32 side)
{
	u64 random = option("seed", 1) * 2 + side;

	for (u64 i = 0; i < litmus.iterations; i++) {
		u64 extra = litmus.skew ? random_below(&random, litmus.skew) : 0;
		u64 begin;

		if (side == 0) {
			STORE(x, 0);
			STORE(y, 0);
		}
		barrier(side);
		if (litmus.owned) {
			test_prepare(side);
		} else {
			(void)LOAD(x);
			(void)LOAD(y);
		}
		mfence();
		barrier(side);
		/* Naming the start is also the second side's signal to look. */
		if (side == 0) {
			begin = rdtsc() + START_DISTANCE;
			WRITE_ONCE(start.value, begin);
		} else {
			u64 old = result[1].pad[0];

			while ((begin = READ_ONCE(start.value)) == old)
				;
			result[1].pad[0] = begin;
		}
		wait_until(begin, extra);
		WRITE_ONCE(result[side].value, test_run[litmus.fence](side));
		barrier(side);
		if (side == 0)
			outcomes[(result[0].value << 1) | READ_ONCE(result[1].value)]++;
	}
}

static enum fence fence_option(void)
{
	const char *name = option_string("fence", "none");

	if (same_text(name, "none"))
		return FENCE_NONE;
	if (same_text(name, "mfence"))
		return FENCE_MFENCE;
	if (same_text(name, "lock"))
		return FENCE_LOCK;
	die("fence=none, mfence or lock\n");
}

/* Runs the test and prints the histogram; `forbidden` is the outcome that must not be seen,
 * OUTCOMES for none. The exit code: 1 if it was. */
static int litmus_main(const char *name, const char *const *names, u32 (*forbidden_of)(enum fence),
		       u64 skew)
{
	static const char *const fences[FENCES] = { "none", "mfence", "lock" };
	u32 a = option("a", 0), b = option("b", 1), forbidden;

	litmus.iterations = option("n", 100000);
	litmus.skew = option("skew", skew);
	litmus.owned = same_text(option_string("lines", "shared"), "owned");
	litmus.fence = fence_option();
	forbidden = forbidden_of(litmus.fence);
	run_pair(a, b, litmus_side);

	print("%s a=%u b=%u lines=%s fence=%s n=%lu late=%lu\n", name, a, b,
	      litmus.owned ? "owned" : "shared", fences[litmus.fence], litmus.iterations, late);
	for (u32 i = 0; i < OUTCOMES; i++)
		print("%s %s %lu%s\n", name, names[i], outcomes[i],
		      i == forbidden ? " forbidden" : "");
	return forbidden < OUTCOMES && outcomes[forbidden] ? 1 : 0;
}

#endif
