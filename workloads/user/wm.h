/* wm: what its workloads share: the plan, fences, a spin lock, the end of a round. */
#ifndef WM_H
#define WM_H

#include <mini.h>

/* Cycles that each side lets pass before its part of a round, at random below this. */
#define SPAN 3000
/* Polls for the end of a round before the publisher sleeps, too. */
#define PATIENCE 2000

enum fence { NONE, WMB, MB, OR };

/* For the host: the symbol `wm_stats`. Each side has its own line. */
struct {
	u64 rounds LINE_ALIGNED;    /* that are through */
	u64 published LINE_ALIGNED; /* the last work */
	u64 stray;                  /* wM2: the task that was read behind the waiter's back */
} wm_stats;

static struct {
	u32 word;
} LINE_ALIGNED work, waiting, lock, kicks, begun, done, publisher_asleep;
/* What is only read while it runs shares no line with what is written. */
static struct {
	u64 model, rounds, publisher_cpu, sleeper_cpu;
	enum fence publisher, sleeper;
	bool unlink_first;
} LINE_ALIGNED plan;

/* What the calling thread starts on the sleeper's CPU. */
static struct thread other_side;

static u32 load(const u32 *word)
{
	return *(const volatile u32 *)word;
}

static void store(u32 *word, u32 value)
{
	*(volatile u32 *)word = value;
}

static void fence(enum fence kind)
{
	if (kind == WMB)
		asm volatile("sfence" : : : "memory");
	else if (kind == MB)
		asm volatile("mfence" : : : "memory");
}

/* Freed by a plain store, as spin_unlock() does. */
static void take(void)
{
	while (__atomic_exchange_n(&lock.word, 1, __ATOMIC_SEQ_CST))
		asm volatile("pause");
}

static void release(void)
{
	asm volatile("" : : : "memory");
	store(&lock.word, 0);
}

static void pass(u64 *random)
{
	u64 end = __builtin_ia32_rdtsc() + random_below(random, SPAN);

	while (__builtin_ia32_rdtsc() < end)
		asm volatile("pause");
}

static void kick(void)
{
	__atomic_fetch_add(&kicks.word, 1, __ATOMIC_SEQ_CST);
	sys_futex_wake(&kicks.word, 1);
}

/* Round n is through; the publisher may be asleep until then. */
static void end_round(u32 n)
{
	wm_stats.rounds = n;
	__atomic_exchange_n(&done.word, n, __ATOMIC_SEQ_CST);
	if (load(&publisher_asleep.word))
		sys_futex_wake(&done.word, 1);
}

static void wait_for(u32 n)
{
	for (u32 i = 0; i < PATIENCE; i++) {
		if (load(&done.word) == n)
			return;
		asm volatile("pause");
	}
	__atomic_exchange_n(&publisher_asleep.word, 1, __ATOMIC_SEQ_CST);
	while (load(&done.word) != n)
		sys_futex_wait(&done.word, n - 1);
	store(&publisher_asleep.word, 0);
}

#endif
