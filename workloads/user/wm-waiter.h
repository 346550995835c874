/*
 * wM2: fs/aio of 2024. A waiter with a time limit has its queue entry on its stack; the completer
 * wakes it and takes the entry off the queue. finish_wait() looks without the lock whether the
 * entry is off and then does not take it: the stack is used again. So taking the entry off is the
 * last thing that a completer may do with it. Commit 71eb6b6b0ba9 read the task behind that.
 *
 * A third thread shares the completer's CPU and sleeps for a fixed time, again and again: wherever
 * its timer finds the completer, that one waits until it has run.
 */
#ifndef WM_WAITER_H
#define WM_WAITER_H

#include "wm.h"

/* The sleep of the completer's neighbour. */
#define NEIGHBOUR_NS 5000

enum state { RUNNING, INTERRUPTIBLE };

static struct task {
	u32 state;
} LINE_ALIGNED the_task;

struct list {
	struct list *next, *prev;
};

/* As struct aio_waiter has its members. */
struct waiter {
	u64 flags;
	struct task *task;
	void *function;
	struct list links;
	u64 min_nr;
};

/*
 * A stack is aligned to 16 bytes: of the four places that the entry can have in its lines this is
 * the one where the task is in the line before the links.
 */
struct frame {
	u8 other[48];
	union {
		struct waiter waiter;
		u64 words[sizeof(struct waiter) / sizeof(u64)];
	};
} LINE_ALIGNED;

static struct list queue LINE_ALIGNED = { &queue, &queue };

static void list_add(struct list *links)
{
	links->next = queue.next;
	links->prev = &queue;
	queue.next->prev = links;
	WRITE_ONCE(queue.next, links);
}

static inline void list_del_init(struct list *links)
{
	links->next->prev = links->prev;
	WRITE_ONCE(links->prev->next, links->next);
	WRITE_ONCE(links->prev, links);
	WRITE_ONCE(links->next, links);
}

static bool list_empty_careful(const struct list *links)
{
	const struct list *next = READ_ONCE(links->next);

	return next == links && READ_ONCE(links->prev) == links;
}

/* There is one task: another value is what the waiter's stack was used for since. */
static inline void wake_up(struct task *task)
{
	if (task != &the_task) {
		wm_stats.stray = (u64)task;
		die("wm: round %lu wakes %lx\n", wm_stats.published, (u64)task);
	}
	store(&task->state, RUNNING);
}

/* aio_complete() from its store of the tail, one copy for each order. */
static inline __attribute__((always_inline)) void complete(u32 n, bool unlink_first)
{
	struct list *at, *next;

	store(&work.word, n);
	fence(MB);
	if (READ_ONCE(queue.next) == &queue)
		return;
	take();
	for (at = queue.next; at != &queue; at = next) {
		struct waiter *waiter =
			(struct waiter *)((u8 *)at - offsetof(struct waiter, links));

		next = at->next;
		if (n < waiter->min_nr)
			continue;
		if (unlink_first) {
			list_del_init(at);
			wake_up(READ_ONCE(waiter->task));
		} else {
			wake_up(READ_ONCE(waiter->task));
			list_del_init(at);
		}
	}
	release();
}

__attribute__((noinline)) void complete_unlink_first(u32 n)
{
	complete(n, true);
}

__attribute__((noinline)) void complete_wake_first(u32 n)
{
	complete(n, false);
}

/* read_events(): until work n is there, it was woken, or `end` has come. */
static void wait_until(struct waiter *waiter, u32 n, u64 end)
{
	waiter->task = &the_task;
	waiter->min_nr = n;
	take();
	list_add(&waiter->links);
	__atomic_exchange_n(&the_task.state, INTERRUPTIBLE, __ATOMIC_SEQ_CST);
	release();
	/* The sleep, too short for a system call: who sleeps does not look at the work. */
	if (load(&work.word) != n) {
		while (load(&the_task.state) != RUNNING && __builtin_ia32_rdtsc() < end)
			asm volatile("pause");
	}
	store(&the_task.state, RUNNING);
	if (!list_empty_careful(&waiter->links)) {
		take();
		list_del_init(&waiter->links);
		release();
	}
}

static void waiter(void *argument)
{
	u64 random = option("seed", 1) * 2 + 1;
	struct frame frame;

	(void)argument;
	pin_to_cpu(plan.sleeper_cpu);
	for (u32 n = 1; n <= plan.rounds; n++) {
		while (load(&begun.word) != n)
			asm volatile("pause");
		while (load(&work.word) != n) {
			wait_until(&frame.waiter, n,
				   __builtin_ia32_rdtsc() + random_below(&random, SPAN));
			/* The next function's frame is where this one's was. */
			for (u32 i = 0; i < sizeof(frame.words) / sizeof(*frame.words); i++)
				WRITE_ONCE(frame.words[i], n);
		}
		end_round(n);
	}
}

static void neighbour(void *argument)
{
	const s64 limit[] = { 0, NEIGHBOUR_NS };
	struct io_event event;
	u64 ctx = 0;

	(void)argument;
	pin_to_cpu(plan.publisher_cpu);
	if (sys_io_setup(1, &ctx))
		die("wm: no AIO context\n");
	while (load(&begun.word) <= plan.rounds)
		sys_io_getevents_timed(ctx, 1, 1, &event, limit);
}

static void completer(void)
{
	static struct thread beside;
	u64 random = option("seed", 1) * 2;

	thread_start(&other_side, waiter, NULL);
	thread_start(&beside, neighbour, NULL);
	for (u32 n = 1; n <= plan.rounds; n++) {
		wm_stats.published = n;
		store(&begun.word, n);
		pass(&random);
		if (plan.unlink_first)
			complete_unlink_first(n);
		else
			complete_wake_first(n);
		wait_for(n);
	}
	store(&begun.word, plan.rounds + 1);
	thread_join(&beside);
}

#endif
