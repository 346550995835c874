/*
 * The classic shapes of two to four threads on two lines, x and y, both 0 at first. Each thread
 * does one to three accesses; with a fence, it stands between all of them.
 *
 *     shapes shape=NAME [a=CPU b=CPU c=CPU d=CPU] [n=ITERATIONS] [lines=shared|owned|mixed]
 *            [fence=none|mfence|lock] [skew=CYCLES] [strict=1] [scan=CYCLES step=CYCLES reps=N]
 *
 * Lines are shared by all, or owned by who stores to them first, or mixed: shared, but for the one
 * whose owner makes the relaxed outcome of r and n6 likely.
 *
 * With strict, what fences forbid is forbidden without them, too. A scan starts side 1 from `scan`
 * cycles before side 0 to as much after it and prints in how wide a range of starts at least half
 * of the outcomes are those that fences forbid.
 *
 *     sb    x=1; r=y      | y=1; r=x                 r=0 r=0            forbidden with fences
 *     r     x=1; y=1      | y=2; r=x                 r=0 and y=2        forbidden with fences
 *     n6    x=1; r=x; s=y | y=2; x=2                 r=1 s=0 and x=1    forbidden with fences
 *                                                    r=0, or r=2 and s=0 or x=1: forbidden
 *     mp    x=1; y=1      | r=y; s=x                 r=1 s=0            forbidden
 *     lb    r=x; y=1      | r=y; x=1                 r=1 r=1            forbidden
 *     s     x=2; y=1      | r=y; x=1                 r=1 and x=2        forbidden
 *     2+2w  x=1; y=2      | y=1; x=2                 x=1 and y=1        forbidden
 *     iriw  x=1 | y=1 | r=x; s=y | r=y; s=x          r=1 s=0, r=1 s=0   forbidden
 *
 * (SDM Vol. 3A 8.2.3, "Examples Illustrating the Memory-Ordering Principles"; n6 and the names are
 * those of the x86-TSO literature.) Exit code 1 if a forbidden outcome was seen.
 */
#include "outcomes.h"
#include "team.h"

enum fence { FENCE_NONE, FENCE_MFENCE, FENCE_LOCK, FENCES };

#define START_DISTANCE 1200 /* from naming the start to it: a line's way to all, on most machines */
#define DISTANCE_MAX (16 * START_DISTANCE)
#define POLL_CYCLES 300	    /* the last so many cycles are counted down, not polled */
#define STATES 64
#define SKEW 400 /* for shapes that need both orders of their sides */

static struct line x, y, start, distance;
static struct line scratch[TEAM_MAX], result[TEAM_MAX];

#define LOAD(line) READ_ONCE((line).value)
#define STORE(line, v) WRITE_ONCE((line).value, (v))
#define INLINE static inline __attribute__((always_inline))

INLINE void fence(enum fence kind, u32 side)
{
	if (kind == FENCE_MFENCE)
		mfence();
	else if (kind == FENCE_LOCK)
		asm volatile("lock incq %0" : "+m"(scratch[side].value) : : "memory", "cc");
	else
		asm volatile("" : : : "memory");
}

/* What a thread has read: r in bits 1:0, s in bits 3:2. */
#define READ(r, s) ((r) | (s) << 2)

INLINE u64 load2(struct line *p, struct line *q, u32 side, enum fence kind)
{
	u64 r = LOAD(*p);

	fence(kind, side);
	return READ(r, LOAD(*q));
}

INLINE u64 store2(struct line *p, u64 v, struct line *q, u64 w, u32 side, enum fence kind)
{
	STORE(*p, v);
	fence(kind, side);
	STORE(*q, w);
	return 0;
}

INLINE u64 store_load(struct line *p, u64 v, struct line *q, u32 side, enum fence kind)
{
	STORE(*p, v);
	fence(kind, side);
	return LOAD(*q);
}

INLINE u64 load_store(struct line *p, struct line *q, u64 v, u32 side, enum fence kind)
{
	u64 r = LOAD(*p);

	fence(kind, side);
	STORE(*q, v);
	return r;
}

INLINE u64 sb(u32 side, enum fence kind)
{
	return side ? store_load(&y, 1, &x, side, kind) : store_load(&x, 1, &y, side, kind);
}

INLINE u64 r(u32 side, enum fence kind)
{
	return side ? store_load(&y, 2, &x, side, kind) : store2(&x, 1, &y, 1, side, kind);
}

INLINE u64 n6(u32 side, enum fence kind)
{
	if (side)
		return store2(&y, 2, &x, 2, side, kind);
	STORE(x, 1);
	fence(kind, side);
	return load2(&x, &y, side, kind);
}

INLINE u64 mp(u32 side, enum fence kind)
{
	return side ? load2(&y, &x, side, kind) : store2(&x, 1, &y, 1, side, kind);
}

INLINE u64 lb(u32 side, enum fence kind)
{
	return side ? load_store(&y, &x, 1, side, kind) : load_store(&x, &y, 1, side, kind);
}

INLINE u64 s(u32 side, enum fence kind)
{
	return side ? load_store(&y, &x, 1, side, kind) : store2(&x, 2, &y, 1, side, kind);
}

INLINE u64 w22(u32 side, enum fence kind)
{
	return side ? store2(&y, 1, &x, 2, side, kind) : store2(&x, 1, &y, 2, side, kind);
}

INLINE u64 iriw(u32 side, enum fence kind)
{
	if (side == 2)
		return load2(&x, &y, side, kind);
	if (side == 3)
		return load2(&y, &x, side, kind);
	if (side)
		STORE(y, 1);
	else
		STORE(x, 1);
	return 0;
}

/* A function for each fence: nothing but the accesses is in the window. */
#define WITH_FENCE(shape, kind, name)                                                              \
	static __attribute__((noinline)) u64 shape##_##name(u32 side)                              \
	{                                                                                          \
		return shape(side, kind);                                                          \
	}
#define WITH_FENCES(shape)                                                                         \
	WITH_FENCE(shape, FENCE_NONE, none)                                                        \
	WITH_FENCE(shape, FENCE_MFENCE, mfence)                                                    \
	WITH_FENCE(shape, FENCE_LOCK, lock)
#define FUNCTIONS(shape) { shape##_none, shape##_mfence, shape##_lock }

WITH_FENCES(sb)
WITH_FENCES(r)
WITH_FENCES(n6)
WITH_FENCES(mp)
WITH_FENCES(lb)
WITH_FENCES(s)
WITH_FENCES(w22)
WITH_FENCES(iriw)

static const struct shape {
	const char *name;
	u32 sides;
	u32 skew;
	/* Threads that store to x or y first, for lines=owned: 1 + side, 0 for none. */
	u32 owns_x, owns_y;
	/* The same for lines=mixed. */
	u32 mixed_x, mixed_y;
	u64 (*run[FENCES])(u32 side);
	bool (*forbidden)(u32 outcome, bool fenced);
} shapes[] = {
	{ "sb", 2, 0, 1, 2, 0, 0, FUNCTIONS(sb), forbidden_sb },
	{ "r", 2, SKEW, 1, 2, 0, 1, FUNCTIONS(r), forbidden_r },
	{ "n6", 2, SKEW, 1, 2, 2, 0, FUNCTIONS(n6), forbidden_n6 },
	{ "mp", 2, SKEW, 1, 0, 0, 1, FUNCTIONS(mp), forbidden_mp },
	{ "lb", 2, SKEW, 2, 1, 1, 2, FUNCTIONS(lb), forbidden_lb },
	{ "s", 2, SKEW, 1, 0, 0, 1, FUNCTIONS(s), forbidden_s },
	{ "2+2w", 2, SKEW, 1, 2, 2, 1, FUNCTIONS(w22), forbidden_w22 },
	{ "iriw", 4, SKEW, 1, 2, 1, 0, FUNCTIONS(iriw), forbidden_iriw },
};

static struct {
	const struct shape *shape;
	u64 iterations, skew;
	u64 scan, step, reps;
	bool owned, mixed, fenced;
	enum fence fence;
} job;

static struct {
	u32 outcome;
	u64 count;
} seen[STATES];
static u32 states;
static u64 late;
static u64 scan_hits, scan_width;

static void count(u32 outcome)
{
	u32 i = 0;

	while (i < states && seen[i].outcome != outcome)
		i++;
	if (i == states) {
		if (states == STATES)
			die("more than %u outcomes\n", STATES);
		seen[states++].outcome = outcome;
	}
	seen[i].count++;
}

/* After iteration i: an offset is done after `reps` of them. */
static void count_scan(u64 i, u32 outcome)
{
	if (job.shape->forbidden(outcome, true))
		scan_hits++;
	if ((i + 1) % job.reps)
		return;
	if (2 * scan_hits >= job.reps)
		scan_width += job.step;
	scan_hits = 0;
}

static u64 start_offset(u32 side, u64 i, u64 *random)
{
	if (job.scan)
		return side ? i / job.reps * job.step : job.scan;
	return job.skew ? random_below(random, job.skew) : 0;
}

static void wait_until(u64 time, u64 extra)
{
	s64 left = time - rdtsc();
	u64 steps;

	if (left < POLL_CYCLES) {
		late++;
		/* The start was named too late for this side: earlier by as much from now on. */
		if (LOAD(distance) < DISTANCE_MAX)
			STORE(distance, LOAD(distance) + POLL_CYCLES - left);
	}
	while ((left = time - rdtsc()) > POLL_CYCLES)
		;
	/* Two cycles a step where an instruction takes one. */
	steps = ((left > 0 ? left : 0) + extra) / 2 + 1;
	asm volatile("1: dec %0; jnz 1b" : "+r"(steps) : : "cc");
}

static void prepare(u32 side)
{
	const struct shape *shape = job.shape;

	if (!job.owned) {
		(void)LOAD(x);
		(void)LOAD(y);
	}
	if (job.mixed)
		team_barrier(side);
	if ((job.owned ? shape->owns_x : job.mixed ? shape->mixed_x : 0) == side + 1)
		STORE(x, 0);
	if ((job.owned ? shape->owns_y : job.mixed ? shape->mixed_y : 0) == side + 1)
		STORE(y, 0);
	mfence();
}

static void run_side(u32 side)
{
	const struct shape *shape = job.shape;
	u64 random = option("seed", 1) * TEAM_MAX + side, begin, old = 0;

	for (u64 i = 0; i < job.iterations; i++) {
		u64 extra = start_offset(side, i, &random);

		if (side == 0) {
			STORE(x, 0);
			STORE(y, 0);
		}
		team_barrier(side);
		prepare(side);
		team_barrier(side);
		/* Naming the start is also the signal to the others to look. */
		if (side == 0) {
			begin = rdtsc() + LOAD(distance);
			WRITE_ONCE(start.value, begin);
		} else {
			while ((begin = READ_ONCE(start.value)) == old)
				;
			old = begin;
		}
		wait_until(begin, extra);
		WRITE_ONCE(result[side].value, shape->run[job.fence](side));
		/* Stores become visible in order: who has arrived has nothing under way. */
		team_barrier(side);
		if (side == 0) {
			u64 outcome = LOAD(x) << 16 | LOAD(y) << 18;

			for (u32 other = 0; other < shape->sides; other++)
				outcome |= READ_ONCE(result[other].value) << 4 * other;
			count(outcome);
			if (job.scan)
				count_scan(i, outcome);
		}
	}
}

static const struct shape *shape_option(void)
{
	const char *name = option_string("shape", "sb");

	for (u32 i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (same_text(name, shapes[i].name))
			return &shapes[i];
	die("shape=sb, r, n6, mp, lb, s, 2+2w or iriw\n");
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

int main(void)
{
	static const char *const cpus[TEAM_MAX] = { "a", "b", "c", "d" };
	u64 bad = 0;

	job.shape = shape_option();
	job.fence = fence_option();
	job.iterations = option("n", 100000);
	job.skew = option("skew", job.shape->skew);
	job.scan = option("scan", 0);
	job.step = option("step", 4);
	job.reps = option("reps", 4);
	if (job.scan)
		job.iterations = (2 * job.scan / job.step + 1) * job.reps;
	job.fenced = job.fence != FENCE_NONE || option("strict", 0);
	job.owned = same_text(option_string("lines", "shared"), "owned");
	job.mixed = same_text(option_string("lines", "shared"), "mixed");
	for (u32 side = 0; side < job.shape->sides; side++)
		team_cpu(side, option(cpus[side], side));
	STORE(distance, START_DISTANCE);
	run_team(job.shape->sides, run_side);

	print("shape=%s n=%lu late=%lu\n", job.shape->name, job.iterations, late);
	if (job.scan)
		print("window=%lu\n", scan_width);
	for (u32 i = 0; i < states; i++) {
		u32 o = seen[i].outcome;
		bool wrong = job.shape->forbidden(o, job.fenced);

		for (u32 side = 0; side < job.shape->sides; side++)
			print("%u:r=%u,s=%u; ", side, R(o, side), S(o, side));
		print("x=%u; y=%u; %lu%s\n", LAST_X(o), LAST_Y(o), seen[i].count,
		      wrong ? " forbidden" : "");
		if (wrong)
			bad += seen[i].count;
	}
	return bad ? 1 : 0;
}
