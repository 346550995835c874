/*
 * The shape of case 001 in other systems: one side publishes work and then looks whether somebody
 * sleeps; the other says that it will sleep and then looks for work. Each needs a full fence.
 *
 *     wm m=1|4|5|6|8 x=none|wmb|mb|or y=none|mb|or s=CPU r=CPU [rounds=1000]
 *
 * m=1: wait queues whose waker looks by waitqueue_active(). 4: io_uring's SQPOLL, an application
 * and a kernel thread that polls the ring. 5: virtio with event indices, a driver and a device.
 * 6: counter and list of waiters under one lock, as in eventfd: neither needs a fence. 8: the lock
 * bit of a page, whose release is the work: a plain store of the byte (__clear_bit_unlock), or a
 * locked `and` (clear_bit).
 * x: what the publisher has between its store and its look; y: what the sleeper has; `or`: the
 * store itself is a locked instruction. Who sleeps does so in a futex that every kick changes.
 */
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
} wm_stats;

static struct {
	u32 word;
} LINE_ALIGNED entry, work, waiting, lock, kicks, done, publisher_asleep;
/* What is only read while it runs shares no line with what is written. */
static struct {
	u64 model, rounds, publisher_cpu, sleeper_cpu;
	enum fence publisher, sleeper;
} LINE_ALIGNED plan;

static u32 load(const u32 *word)
{
	return *(const volatile u32 *)word;
}

static void store(u32 *word, u32 value)
{
	*(volatile u32 *)word = value;
}

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

static void sleeper(void *argument)
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
		wm_stats.rounds = n;
		__atomic_exchange_n(&done.word, n, __ATOMIC_SEQ_CST);
		if (load(&publisher_asleep.word))
			sys_futex_wake(&done.word, 1);
	}
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

static enum fence fence_of(const char *key)
{
	const char *text = option_string(key, "none");

	return same_text(text, "wmb") ? WMB : same_text(text, "mb") ? MB
	     : same_text(text, "or")  ? OR  : NONE;
}

int main(void)
{
	static struct thread thread;
	u64 random = option("seed", 1) * 2;

	plan.model = option("m", 1);
	plan.rounds = option("rounds", 1000);
	plan.publisher = fence_of("x");
	plan.sleeper = fence_of("y");
	plan.publisher_cpu = option("s", 0);
	plan.sleeper_cpu = option("r", 1);
	pin_to_cpu(plan.publisher_cpu);
	if (plan.model == 5)
		waiting.word = (u16)-2; /* asked for nothing that comes */
	thread_start(&thread, sleeper, NULL);
	for (u32 n = 1; n <= plan.rounds; n++) {
		if (plan.model == 8)
			store(&work.word, FLAGS(n) | PG_LOCKED);
		pass(&random);
		wm_stats.published = n;
		if (publish(n))
			kick();
		wait_for(n);
	}
	thread_join(&thread);
	print("wm rounds=%lu\n", wm_stats.rounds);
	return 0;
}
