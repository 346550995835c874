/* Two threads on two CPUs: what the programs that measure a pair have in common. */
#ifndef PAIR_H
#define PAIR_H

#include <mini.h>

static inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return low | (u64)high << 32;
}

static inline void mfence(void)
{
	asm volatile("mfence" : : : "memory");
}

/* True when *place was `from`; then it is `to`. */
static inline bool cmpxchg(u64 *place, u64 from, u64 to)
{
	bool swapped;

	asm volatile("lock cmpxchgq %3, %1; sete %0"
		     : "=q"(swapped), "+m"(*place), "+a"(from)
		     : "r"(to)
		     : "memory", "cc");
	return swapped;
}

/* One side of the pair: 0 runs in the calling thread, 1 in a new one. */
typedef void (*side_t)(u32 side);

static struct {
	side_t run;
	u32 cpu[2];
	u64 there[2];
} pair_job;

static inline void pair_side(u32 side)
{
	if (pin_to_cpu(pair_job.cpu[side]) < 0)
		die("CPU %u is not there\n", pair_job.cpu[side]);
	/* The other one may be on this CPU still, which a side that polls would not leave to it. */
	WRITE_ONCE(pair_job.there[side], 1);
	while (!READ_ONCE(pair_job.there[side ^ 1]))
		sys_sched_yield();
	pair_job.run(side);
}

static void pair_second(void *unused)
{
	(void)unused;
	pair_side(1);
}

/* Runs both sides to their end, side 0 on CPU a and side 1 on CPU b. */
static inline void run_pair(u32 a, u32 b, side_t run)
{
	static struct thread thread;

	if (a == b)
		die("two different CPUs are needed\n");
	pair_job.run = run;
	pair_job.cpu[0] = a;
	pair_job.cpu[1] = b;
	pair_job.there[0] = pair_job.there[1] = 0;
	thread_start(&thread, pair_second, NULL);
	pair_side(0);
	thread_join(&thread);
}

#endif
