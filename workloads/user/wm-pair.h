/* wm: the workloads of two threads, of which one publishes and the other one sleeps. */
#ifndef WM_PAIR_H
#define WM_PAIR_H

#include "wm.h"
#include "wm-queue.h"

/* With PG_LOCKED: of the page that round n is about (wM8). */
#define PG_LOCKED 1u
#define FLAGS(n) ((n) << 8)

/* Work n is there: what does the word say that tells of a sleeper? */
ALWAYS_INLINE u32 put(u32 n, enum fence kind)
{
	store(&item.word, n);
	if (kind == OR)
		xchg_labelled(PUBLISH, work.word, n);
	else
		store_labelled(PUBLISH, work.word, n);
	fence(kind);
	return load_labelled(ASLEEP, waiting.word);
}

/* wM4, SQPOLL: an application, and the flag that the polling thread sleeps. */
ALWAYS_INLINE bool ring_publish(u32 n, enum fence kind)
{
	return put(n, kind);
}

/* wM5, vring_need_event(): does the step from n - 1 to n pass the index that was asked for? */
ALWAYS_INLINE bool virtio_publish(u32 n, enum fence kind)
{
	u16 event = put(n, kind);

	return (u16)(n - event - 1) < 1;
}

/* wM8: the page is unlocked, by a byte as in __clear_bit_unlock() or by a locked `and`. */
ALWAYS_INLINE bool page_publish(u32 n, enum fence kind)
{
	store(&item.word, n);
	if (kind == OR)
		and_locked_labelled(PUBLISH, work.word, ~PG_LOCKED);
	else
		store_byte_labelled(PUBLISH, work.word, FLAGS(n));
	fence(kind);
	return load_labelled(ASLEEP, waiting.word);
}

/* Says that it sleeps: a flag that is set under a spin lock, or by a locked `or`. */
ALWAYS_INLINE void set_waiting(enum fence kind)
{
	if (kind == OR) {
		or_locked_labelled(ENLIST, waiting.word, 1);
	} else {
		take(&lock.word);
		store_labelled(ENLIST, waiting.word, 1);
		release(&lock.word);
	}
	fence(kind);
}

/* Says that it will sleep until work n; is it there already? So do the next two. */
ALWAYS_INLINE bool ring_enlist(u32 n, enum fence kind)
{
	set_waiting(kind);
	return load_labelled(CHECK, work.word) == n;
}

ALWAYS_INLINE bool virtio_enlist(u32 n, enum fence kind)
{
	if (kind == OR)
		xchg_labelled(ENLIST, waiting.word, n - 1);
	else
		store_labelled(ENLIST, waiting.word, n - 1);
	fence(kind);
	return load_labelled(CHECK, work.word) == n;
}

ALWAYS_INLINE bool page_enlist(u32 n, enum fence kind)
{
	set_waiting(kind);
	return load_labelled(CHECK, work.word) == FLAGS(n);
}

/* wM6, eventfd: counter and list of waiters under one lock. */
ALWAYS_INLINE void take_both(void)
{
	if (xchg_labelled(TAKE, lock.word, 1))
		take(&lock.word);
}

COPY bool m6_publish(u32 n)
{
	bool asleep;

	take_both();
	store(&item.word, n);
	store_labelled(PUBLISH, work.word, n);
	asleep = load_labelled(ASLEEP, waiting.word);
	release(&lock.word);
	return asleep;
}

COPY bool m6_enlist(u32 n)
{
	bool there;

	take_both();
	store_labelled(ENLIST, waiting.word, 1);
	there = load_labelled(CHECK, work.word) == n;
	release(&lock.word);
	return there;
}

#define PAIR_COPY(side, model, system, name, kind)                                                 \
	COPY bool model##_##side##_##name(u32 n)                                                   \
	{                                                                                          \
		return system##_##side(n, kind);                                                   \
	}
/* The copies of one model, and the tables of them. */
#define PAIR(model, system)                                                                        \
	PAIR_COPY(publish, model, system, none, NONE)                                              \
	PAIR_COPY(publish, model, system, wmb, WMB)                                                \
	PAIR_COPY(publish, model, system, mb, MB)                                                  \
	PAIR_COPY(publish, model, system, or, OR)                                                  \
	PAIR_COPY(enlist, model, system, none, NONE)                                               \
	PAIR_COPY(enlist, model, system, mb, MB)                                                   \
	PAIR_COPY(enlist, model, system, or, OR)                                                   \
	static const struct variant model##_publishers[] = {                                       \
		{ "none", model##_publish_none },                                                  \
		{ "wmb", model##_publish_wmb },                                                    \
		{ "mb", model##_publish_mb },                                                      \
		{ "or", model##_publish_or },                                                      \
	};                                                                                         \
	static const struct variant model##_sleepers[] = {                                         \
		{ "none", model##_enlist_none },                                                   \
		{ "mb", model##_enlist_mb },                                                       \
		{ "or", model##_enlist_or },                                                       \
	};
PAIR(m4, ring)
PAIR(m5, virtio)
PAIR(m8, page)

static const struct variant m6_publishers[] = { { "none", m6_publish } };
static const struct variant m6_sleepers[] = { { "none", m6_enlist } };

static void pair_leave(void)
{
	if (plan.model == 1) {
		queue_leave();
	} else if (plan.model != 5) {
		take(&lock.word);
		store_labelled(RESET, waiting.word, 0);
		release(&lock.word);
	}
}

static void pair_sleeper(void *argument)
{
	u64 random = option("seed", 1) * 2 + 1;

	(void)argument;
	pin_to_cpu(plan.sleeper_cpu);
	for (u32 n = 1; n <= plan.rounds; n++) {
		u32 before = load(&kicks.word);

		pass(&random);
		/* A kick that comes from the round before wakes it, too. */
		while (!plan.enlist(n)) {
			if (plan.model != 1 || queue_sleeps())
				while (load(&kicks.word) == before)
					sys_futex_wait(&kicks.word, before);
			before = load(&kicks.word);
		}
		if (load(&item.word) != n)
			die("wm: work %u without its item\n", n);
		pair_leave();
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
			store_labelled(RESET, work.word, FLAGS(n) | PG_LOCKED);
		pass(&random);
		wm_stats.published = n;
		if (plan.publish(n))
			kick();
		wait_for(n);
	}
}

#endif
