/*
 * wm: what its workloads share: the plan, marks, fences, a spin lock, the end of a round.
 *
 * A variant is a compiled copy of a function (ALWAYS_INLINE templates with a constant each), and
 * the plan has its address: nothing decides in a window which fence it has.
 */
#ifndef WM_H
#define WM_H

#include <mini.h>

/* The steps of all workloads; the host's names are those of src/cases/modern-trace.ts. */
#define SMPBOX_USER_LABELS(X)                                                                      \
	X(PUBLISH, 256) /* publisher: store of the work; wM7: of who runs */                       \
	X(ASLEEP, 257)	/* publisher: load: has somebody said that he sleeps? */                   \
	X(TASK, 258)	/* publisher: load of the sleeper's task */                                \
	X(ENLIST, 259)	/* sleeper: store: he sleeps */                                            \
	X(STATE, 260)	/* sleeper: store of his task's state */                                   \
	X(CHECK, 261)	/* sleeper: load: is the work there? wM2: is the entry off? */             \
	X(RESET, 262)	/* store of what was there before the round */                             \
	X(TAKE, 263)	/* wM6: first try to take the lock around store and look */                \
	X(UNLINK, 264)	/* wM2: the completer takes the entry off the queue */                     \
	X(REUSE, 265)	/* wM2: the waiter's stack is used again, where the task was */

#include <smpbox.h>

/* Cycles that each side lets pass before its part of a round, at random below this. */
#define SPAN 3000
/* Polls for the end of a round before the publisher sleeps, too. */
#define PATIENCE 2000

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define COPY __attribute__((noinline, noclone))

/* What stands between a store and a look; OR: the store itself is a locked instruction. */
enum fence { NONE, WMB, RMB, MB, OR };

enum state { RUNNING, INTERRUPTIBLE };

/* For the host: the symbol `wm_stats`. Each side has its own line. */
struct {
	u64 rounds LINE_ALIGNED;    /* that are through */
	u64 published LINE_ALIGNED; /* the last work */
	u64 stray;                  /* wM2: the task that was read behind the waiter's back */
	u64 place;                  /* wM2: of the entry, in bytes from a line's start */
} wm_stats;

static struct {
	u32 word;
} LINE_ALIGNED work, waiting, lock, kicks, begun, done, publisher_asleep;

/* Of the one who sleeps (wM1, wM2). */
static struct task {
	u32 state;
} LINE_ALIGNED the_task;

/* What is only read while it runs shares no line with what is written. */
static struct {
	u64 model, rounds, publisher_cpu, sleeper_cpu;
	bool (*publish)(u32 n);
	bool (*enlist)(u32 n);
	void (*resume)(u32 next);
	bool (*blocks)(u32 owner);
	void (*complete)(u32 n);
} LINE_ALIGNED plan;

/* A copy of a function by the name of its variant. */
struct variant {
	const char *name;
	void *function;
};

/* What the calling thread starts on the sleeper's CPU. */
static struct thread other_side;

/* The one of `key`= on the command line. */
#define variant_of(key, variants) choose(key, variants, sizeof(variants) / sizeof(*(variants)))

static void *choose(const char *key, const struct variant *variants, u32 count)
{
	const char *name = option_string(key, "none");

	for (u32 i = 0; i < count; i++)
		if (same_text(name, variants[i].name))
			return variants[i].function;
	die("wm: %s=%s is no variant of m=%lu\n", key, name, plan.model);
}

static u32 load(const u32 *word)
{
	return *(const volatile u32 *)word;
}

static void store(u32 *word, u32 value)
{
	*(volatile u32 *)word = value;
}

ALWAYS_INLINE void fence(enum fence kind)
{
	if (kind == WMB)
		asm volatile("sfence" : : : "memory");
	else if (kind == RMB)
		asm volatile("lfence" : : : "memory");
	else if (kind == MB)
		asm volatile("mfence" : : : "memory");
}

/* One machine store of a byte, named. */
#define store_byte_labelled(name, place, value)                                                    \
	asm volatile(SMPBOX_MARK_TEXT(name) "	movb %[from], %[to]\n"                             \
		     : [to] "=m"(*(u8 *)&(place))                                                  \
		     : [from] "q"((u8)(value)), SMPBOX_LABEL_OPERAND(name)                         \
		     : "memory")

/* A locked `and` or `or` of 4 bytes with a constant, named: a full fence. */
#define and_locked_labelled(name, place, value)                                                    \
	asm volatile(SMPBOX_MARK_TEXT(name) "	lock andl %[bits], %[to]\n"                        \
		     : [to] "+m"(place)                                                            \
		     : [bits] "i"(value), SMPBOX_LABEL_OPERAND(name)                               \
		     : "memory", "cc")
#define or_locked_labelled(name, place, value)                                                     \
	asm volatile(SMPBOX_MARK_TEXT(name) "	lock orl %[bits], %[to]\n"                         \
		     : [to] "+m"(place)                                                            \
		     : [bits] "i"(value), SMPBOX_LABEL_OPERAND(name)                               \
		     : "memory", "cc")

ALWAYS_INLINE void take(u32 *word)
{
	while (__atomic_exchange_n(word, 1, __ATOMIC_SEQ_CST))
		asm volatile("pause");
}

/* By a plain store, as spin_unlock() does. */
ALWAYS_INLINE void release(u32 *word)
{
	asm volatile("" : : : "memory");
	store(word, 0);
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
