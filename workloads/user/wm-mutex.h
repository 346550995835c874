/*
 * wM7: an adaptive mutex as in illumos, three threads on two CPUs. The owner leaves without a
 * locked instruction: it looks for waiters and frees the mutex by a plain store. Who wants the
 * mutex spins while the owner runs, so it has to see who runs where: resume() stores that, and its
 * fence is the publisher's. Who blocks says first that there are waiters, and looks again: that
 * fence is the sleeper's.
 *
 * Owner and a third thread take turns on one CPU, switched here: the owner loses the CPU with the
 * mutex, and leaves as soon as it is resumed. Waiters have a word of their own, as illumos has
 * them in the owner's: only so can a plain store be tried.
 */
#ifndef WM_MUTEX_H
#define WM_MUTEX_H

#include "wm.h"

enum { NOBODY, OWNER, THIRD, BLOCKER, THREADS };
#define CPUS 2

static struct {
	u32 owner, waiters;
} LINE_ALIGNED mutex;

/* cpu_thread: who runs on each of the two CPUs. */
static struct {
	u32 thread;
} LINE_ALIGNED running[CPUS];

/* Stack pointers of those who do not run. */
static u64 *stacks[THREADS] LINE_ALIGNED;

/* Called, and gone back to, on the owner's CPU. The compiler saves what it needs of the registers
 * before it, so only the frame pointer is left to save behind the store. */
ALWAYS_INLINE void resume(u32 next, enum fence kind)
{
	u64 **from = &stacks[running[0].thread], *to = stacks[next];

	if (kind == OR)
		xchg_labelled(PUBLISH, running[0].thread, next);
	else
		store_labelled(PUBLISH, running[0].thread, next);
	fence(kind);
	asm volatile("	push %%rbp\n"
		     "	lea 1f(%%rip), %%rax\n"
		     "	push %%rax\n"
		     "	mov %%rsp, (%0)\n"
		     "	mov %1, %%rsp\n"
		     "	ret\n"
		     "1:	pop %%rbp\n"
		     : "+D"(from), "+S"(to)
		     :
		     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
		       "r15", "memory", "cc");
}

COPY void mutex_exit(void)
{
	if (!load_labelled(ASLEEP, mutex.waiters)) {
		store(&mutex.owner, NOBODY);
		return;
	}
	take(&lock.word);
	store(&mutex.owner, NOBODY);
	store_labelled(RESET, mutex.waiters, 0);
	release(&lock.word);
	kick();
}

static bool mutex_try(u32 thread)
{
	return !load(&mutex.owner) &&
	       __sync_bool_compare_and_swap(&mutex.owner, NOBODY, thread);
}

static bool runs(u32 owner)
{
	for (u32 cpu = 0; cpu < CPUS; cpu++)
		if (load(&running[cpu].thread) == owner)
			return true;
	return false;
}

/* Says that there are waiters: must it block until the owner wakes it? */
ALWAYS_INLINE bool mutex_blocks(u32 owner, enum fence kind)
{
	bool blocks;

	take(&lock.word);
	if (kind == OR)
		or_locked_labelled(ENLIST, mutex.waiters, 1);
	else
		store_labelled(ENLIST, mutex.waiters, 1);
	fence(kind);
	blocks = load_labelled(CHECK, running[0].thread) != owner &&
		 load(&running[1].thread) != owner && load(&mutex.owner) == owner &&
		 load(&mutex.waiters);
	release(&lock.word);
	return blocks;
}

#define RESUME(name, kind)                                                                         \
	COPY void m7_resume_##name(u32 next)                                                       \
	{                                                                                          \
		resume(next, kind);                                                                \
	}
RESUME(none, NONE)
RESUME(wmb, WMB)
RESUME(mb, MB)
RESUME(or, OR)

static const struct variant m7_resumes[] = {
	{ "none", m7_resume_none },
	{ "wmb", m7_resume_wmb },
	{ "mb", m7_resume_mb },
	{ "or", m7_resume_or },
};

#define BLOCKS(name, kind)                                                                         \
	COPY bool m7_blocks_##name(u32 owner)                                                      \
	{                                                                                          \
		return mutex_blocks(owner, kind);                                                  \
	}
BLOCKS(none, NONE)
BLOCKS(mb, MB)
BLOCKS(or, OR)

static const struct variant m7_blocks[] = {
	{ "none", m7_blocks_none },
	{ "mb", m7_blocks_mb },
	{ "or", m7_blocks_or },
};

static void mutex_enter(u32 thread)
{
	for (;;) {
		u32 before = load(&kicks.word);
		u32 owner;

		if (mutex_try(thread))
			return;
		owner = load(&mutex.owner);
		if (owner && !runs(owner) && plan.blocks(owner)) {
			while (load(&kicks.word) == before)
				sys_futex_wait(&kicks.word, before);
		}
		asm volatile("pause");
	}
}

static void blocker(void *argument)
{
	u64 random = option("seed", 1) * 2 + 1;

	(void)argument;
	pin_to_cpu(plan.sleeper_cpu);
	for (u32 n = 1; n <= plan.rounds; n++) {
		while (load(&begun.word) != n)
			asm volatile("pause");
		pass(&random);
		mutex_enter(BLOCKER);
		mutex_exit();
		end_round(n);
	}
}

/* What the owner's CPU does while the owner is off it. */
static void third(void)
{
	u64 random = option("seed", 1) * 2;

	for (;;) {
		pass(&random);
		plan.resume(OWNER);
	}
}

static void owner(void)
{
	u64 *top = (u64 *)((u8 *)sys_mmap(THREAD_STACK_BYTES) + THREAD_STACK_BYTES);

	/* resume() returns into third() as if it had been called: the stack is 8 off from 16. */
	stacks[THIRD] = top - 4;
	*stacks[THIRD] = (u64)third;
	running[0].thread = OWNER;
	running[1].thread = BLOCKER;
	thread_start(&other_side, blocker, NULL);
	for (u32 n = 1; n <= plan.rounds; n++) {
		mutex_enter(OWNER);
		wm_stats.published = n;
		store(&begun.word, n);
		plan.resume(THIRD);
		mutex_exit();
		wait_for(n);
	}
}

#endif
