/*
 * wM2: fs/aio of 2024. A waiter with a time limit has its queue entry on its stack; the completer
 * wakes it and takes the entry off the queue. finish_wait() looks without the lock whether the
 * entry is off and then does not take it: the stack is used again. So taking the entry off is the
 * last thing that a completer may do with it. Commit 71eb6b6b0ba9 read the task behind that.
 *
 * A third thread shares the completer's CPU and sleeps again and again, each time for 1 to 10 us
 * as the seed draws it: wherever its timer finds the completer, that one waits until it has run.
 * Nothing places the timer between the two accesses, and nothing waits for it there.
 */
#ifndef WM_WAITER_H
#define WM_WAITER_H

#include "wm.h"

/* Bounds of a sleep of the completer's neighbour, in ns. */
#define NEIGHBOUR_MIN 1000
#define NEIGHBOUR_MAX 10000

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
 * A stack is aligned to 16 bytes, so an entry has one of four places in its line, and in one of
 * them its task is in the line before its links. Which one it has is drawn by the seed.
 */
#define STACK_ALIGN 16
#define PLACES (CACHE_LINE / STACK_ALIGN)

struct frame {
	u8 bytes[(PLACES - 1) * STACK_ALIGN + sizeof(struct waiter)];
} LINE_ALIGNED;

static struct list queue LINE_ALIGNED = { &queue, &queue };

static void list_add(struct list *links)
{
	links->next = queue.next;
	links->prev = &queue;
	queue.next->prev = links;
	WRITE_ONCE(queue.next, links);
}

/* The last store is what list_empty_careful() sees. */
ALWAYS_INLINE void list_del_init(struct list *links)
{
	links->next->prev = links->prev;
	WRITE_ONCE(links->prev->next, links->next);
	WRITE_ONCE(links->prev, links);
	store_labelled(UNLINK, links->next, links);
}

static bool list_empty_careful(const struct list *links)
{
	const struct list *next = load_labelled(CHECK, links->next);

	return next == links && READ_ONCE(links->prev) == links;
}

/* There is one task: another value is what the waiter's stack was used for since. */
ALWAYS_INLINE void wake_up(struct task *task)
{
	if (task != &the_task) {
		wm_stats.stray = (u64)task;
		die("wm: round %lu wakes %lx\n", wm_stats.published, (u64)task);
	}
	store(&task->state, RUNNING);
}

/* aio_complete() from its store of the tail, one copy for each order. */
ALWAYS_INLINE void complete(u32 n, bool unlink_first)
{
	struct list *at, *next;

	store(&work.word, n);
	fence(MB);
	if (READ_ONCE(queue.next) == &queue)
		return;
	take(&lock.word);
	for (at = queue.next; at != &queue; at = next) {
		struct waiter *waiter =
			(struct waiter *)((u8 *)at - offsetof(struct waiter, links));

		next = at->next;
		if (n < waiter->min_nr)
			continue;
		if (unlink_first) {
			list_del_init(at);
			wake_up(load_labelled(TASK, waiter->task));
		} else {
			wake_up(load_labelled(TASK, waiter->task));
			list_del_init(at);
		}
	}
	release(&lock.word);
}

COPY void complete_unlink_first(u32 n)
{
	complete(n, true);
}

COPY void complete_wake_first(u32 n)
{
	complete(n, false);
}

static const struct variant m2_orders[] = {
	{ "unlink-first", complete_unlink_first },
	{ "wake-first", complete_wake_first },
};

/* read_events(): until work n is there, it was woken, or `end` has come. */
static void wait_until(struct waiter *waiter, u32 n, u64 end)
{
	store_labelled(RESET, waiter->task, &the_task);
	waiter->min_nr = n;
	take(&lock.word);
	list_add(&waiter->links);
	__atomic_exchange_n(&the_task.state, INTERRUPTIBLE, __ATOMIC_SEQ_CST);
	release(&lock.word);
	/* The sleep, too short for a system call: who sleeps does not look at the work. */
	if (load(&work.word) != n) {
		while (load(&the_task.state) != RUNNING && __builtin_ia32_rdtsc() < end)
			asm volatile("pause");
	}
	store(&the_task.state, RUNNING);
	if (!list_empty_careful(&waiter->links)) {
		take(&lock.word);
		list_del_init(&waiter->links);
		release(&lock.word);
	}
}

/* The next function's frame is where the one with the entry was. */
static void use_again(struct waiter *waiter, u64 value)
{
	u64 *words = (u64 *)waiter, *task = (u64 *)&waiter->task;

	for (u64 *word = words; word < words + sizeof(*waiter) / sizeof(*words); word++)
		if (word != task)
			WRITE_ONCE(*word, value);
	store_labelled(REUSE, *task, value);
}

static void waiter(void *argument)
{
	u64 random = option("seed", 1) * 2 + 1;
	struct frame frame;
	struct waiter *waiter;

	(void)argument;
	wm_stats.place = random_below(&random, PLACES) * STACK_ALIGN;
	waiter = (struct waiter *)(frame.bytes + wm_stats.place);
	pin_to_cpu(plan.sleeper_cpu);
	for (u32 n = 1; n <= plan.rounds; n++) {
		while (load(&begun.word) != n)
			asm volatile("pause");
		while (load(&work.word) != n) {
			wait_until(waiter, n,
				   __builtin_ia32_rdtsc() + random_below(&random, SPAN));
			use_again(waiter, n);
		}
		end_round(n);
	}
}

static void neighbour(void *argument)
{
	u64 random = option("seed", 1) * 2;
	s64 limit[] = { 0, 0 };
	struct io_event event;
	u64 ctx = 0;

	(void)argument;
	pin_to_cpu(plan.publisher_cpu);
	if (sys_io_setup(1, &ctx))
		die("wm: no AIO context\n");
	while (load(&begun.word) <= plan.rounds) {
		limit[1] = NEIGHBOUR_MIN +
			   random_below(&random, NEIGHBOUR_MAX - NEIGHBOUR_MIN);
		sys_io_getevents_timed(ctx, 1, 1, &event, limit);
	}
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
		plan.complete(n);
		wait_for(n);
	}
	store(&begun.word, plan.rounds + 1);
	thread_join(&beside);
}

#endif
