/* wm: the workloads of two threads, of which one publishes and the other one sleeps. */
#ifndef WM_PAIR_H
#define WM_PAIR_H

#include "wm.h"

static struct {
	u32 word;
} LINE_ALIGNED entry;

/* With PG_LOCKED: of the page that round n is about. */
#define PG_LOCKED 1u
#define FLAGS(n) ((n) << 8)

static void unlock_page(u32 n)
{
	if (plan.publisher == OR)
		__atomic_fetch_and(&work.word, ~PG_LOCKED, __ATOMIC_SEQ_CST);
	else
		*(volatile u8 *)&work.word = (u8)FLAGS(n);
}

static bool is_there(u32 n)
{
	return load(&work.word) == (plan.model == 8 ? FLAGS(n) : n);
}

/* Work n is there: has somebody said that he sleeps? */
static bool publish(u32 n)
{
	u16 event;
	bool asleep;

	if (plan.model == 6) {
		take();
		store(&work.word, n);
		asleep = load(&waiting.word);
		release();
		return asleep;
	}
	store(&entry.word, n); /* of the ring, or what the work is about */
	if (plan.model == 8)
		unlock_page(n);
	else if (plan.publisher == OR)
		__atomic_exchange_n(&work.word, n, __ATOMIC_SEQ_CST);
	else
		store(&work.word, n);
	fence(plan.publisher);
	if (plan.model != 5)
		return load(&waiting.word);
	/* vring_need_event(): does the step from n - 1 to n pass the index that was asked for? */
	event = load(&waiting.word);
	return (u16)(n - event - 1) < 1;
}

/* Says that it will sleep until work n; is it there already? */
static bool enlist(u32 n)
{
	if (plan.model == 6) {
		bool there;

		take();
		store(&waiting.word, 1);
		there = load(&work.word) == n;
		release();
		return there;
	}
	if (plan.model == 5) {
		if (plan.sleeper == OR)
			__atomic_exchange_n(&waiting.word, n - 1, __ATOMIC_SEQ_CST);
		else
			store(&waiting.word, n - 1);
	} else if (plan.sleeper == OR) {
		__atomic_fetch_or(&waiting.word, 1, __ATOMIC_SEQ_CST);
	} else {
		take();
		store(&waiting.word, 1);
		release();
	}
	fence(plan.sleeper);
	return is_there(n);
}

static void pair_sleeper(void *argument)
{
	u64 random = option("seed", 1) * 2 + 1;

	(void)argument;
	pin_to_cpu(plan.sleeper_cpu);
	for (u32 n = 1; n <= plan.rounds; n++) {
		u32 before = load(&kicks.word);

		pass(&random);
		if (!enlist(n)) {
			while (load(&kicks.word) == before)
				sys_futex_wait(&kicks.word, before);
		}
		while (!is_there(n))
			asm volatile("pause");
		if (plan.model != 6 && load(&entry.word) != n)
			die("wm: work %u without its entry\n", n);
		if (plan.model != 5) {
			take();
			store(&waiting.word, 0);
			release();
		}
		end_round(n);
	}
}

static void pair_publisher(void)
{
	u64 random = option("seed", 1) * 2;

	if (plan.model == 5)
		waiting.word = (u16)-2; /* asked for nothing that comes */
	thread_start(&other_side, pair_sleeper, NULL);
	for (u32 n = 1; n <= plan.rounds; n++) {
		if (plan.model == 8)
			store(&work.word, FLAGS(n) | PG_LOCKED);
		pass(&random);
		wm_stats.published = n;
		if (publish(n))
			kick();
		wait_for(n);
	}
}

#endif
