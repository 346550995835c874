/*
 * Adaptive mutexes and condition variables.
 *
 * The lost wake-up that the order below prevents, with B blocking and O the owner releasing:
 *
 *     O: compares owner, no waiters bit      B: sets the bit, goes to sleep
 *     O: stores 0: the bit is gone, nobody wakes B
 *
 * B looks, after its locked store of the bit, whether O runs on a CPU. If it does, O may be between
 * its compare and its store, and B goes on spinning. If it does not, O was taken off its CPU
 * outside those two instructions, or begins them again, and will see the bit. For that answer to be
 * right a CPU publishes the task that it switches to, and fences, before that task runs (sched.c).
 */
#include "mutex.h"

#include "../arch/probe.h"
#include "panic.h"
#include "sched.h"

#define TURNSTILES 64 /* a power of two */

/*
 * Turns of PAUSE between two looks of a waiter: illumos's mutex_backoff_base, mutex_backoff_shift
 * and mutex_cap_factor (uts/common/os/mutex.c, default_lock_backoff(); MUTEX_BACKOFF_BASE and so on
 * in uts/intel/sys/mutex_impl.h). Ours differs in three things: illumos draws a number between the
 * base and the present bound, ours waits the bound; there it grows when an attempt has failed or
 * the owner has changed, and begins anew after as many changes as there are CPUs, here it grows
 * with each look; and the last step here may pass the cap.
 */
#define BACKOFF_BASE 1
#define BACKOFF_SHIFT 2
#define BACKOFF_CAP_PER_CPU 64

/* Those who are blocked on the mutexes of one hash value. */
struct turnstile {
	spinlock_t lock;
	struct list_head blocked;
} __cacheline_aligned;

struct blocked {
	struct list_head list;
	const kmutex_t *mutex;
	struct task *task;
	u32 woken;
};

static struct turnstile turnstiles[TURNSTILES];

extern char mutex_exit_start[], mutex_exit_end[];

void mutex_restart(struct pt_regs *regs)
{
	if (regs->rip > (u64)mutex_exit_start && regs->rip < (u64)mutex_exit_end)
		regs->rip = (u64)mutex_exit_start;
}

void mutex_init(kmutex_t *mutex)
{
	mutex->owner = 0;
}

static struct turnstile *turnstile_of(const kmutex_t *mutex)
{
	return &turnstiles[(u64)mutex / CACHE_LINE % TURNSTILES];
}

/*
 * A task that moves stores its new CPU before it runs there, with a fence after it (sched.c): a
 * look at the old one finds another task, and what was stored before that look is visible where
 * the task goes on. The task may be gone meanwhile; its memory stays the kernel's.
 */
static bool running(u64 owner)
{
	const struct task *task = (const struct task *)(owner & ~MUTEX_WAITERS);
	u32 cpu = READ_ONCE(task->cpu);

	return cpu < nr_cpus && READ_ONCE(cpus[cpu].curr) == task;
}

/* Sleeps until the owner releases; at once back when it is not sure that it will see us. */
static void block(kmutex_t *mutex)
{
	struct turnstile *turnstile = turnstile_of(mutex);
	struct blocked self = { .mutex = mutex, .task = current };
	u64 flags = spin_lock_irqsave(&turnstile->lock);
	u64 owner = READ_ONCE(mutex->owner);

	if (!owner || cmpxchg(&mutex->owner, owner, owner | MUTEX_WAITERS) != owner ||
	    running(owner) || READ_ONCE(mutex->owner) != (owner | MUTEX_WAITERS)) {
		spin_unlock_irqrestore(&turnstile->lock, flags);
		return;
	}
	list_add_tail(&self.list, &turnstile->blocked);
	note_sleep(SMPBOX_SLEEP_MUTEX, mutex, 0, 0);
	this_cpu()->counters.mutex_blocks++;
	while (!self.woken) {
		WRITE_ONCE(current->state, TASK_UNINTERRUPTIBLE);
		spin_unlock(&turnstile->lock);
		schedule();
		spin_lock(&turnstile->lock);
	}
	spin_unlock_irqrestore(&turnstile->lock, flags);
}

/*
 * Spins while the owner runs. Between two looks the waiter keeps off the line, longer each time up
 * to a cap: each look of each waiter delays the owner's release. It does not see meanwhile that the
 * owner lost its CPU, so it may still be spinning when the owner is back.
 */
noinline void mutex_enter(kmutex_t *mutex)
{
	u32 backoff = BACKOFF_BASE;
	u64 owner;

	BUG_ON(mutex_owned(mutex));
	while (READ_ONCE(mutex->owner) || cmpxchg(&mutex->owner, 0ul, (u64)current)) {
		owner = READ_ONCE(mutex->owner);
		if (owner && !running(owner)) {
			block(mutex);
			backoff = BACKOFF_BASE;
			continue;
		}
		for (u32 i = 0; i < backoff; i++)
			cpu_relax();
		if (backoff < nr_cpus * BACKOFF_CAP_PER_CPU)
			backoff <<= BACKOFF_SHIFT;
	}
}

/*
 * Somebody is blocked. The mutex is free with the first store; waking takes microseconds more, in
 * which others take and release it while the caller is still here.
 */
noinline void mutex_exit_slow(kmutex_t *mutex)
{
	struct turnstile *turnstile = turnstile_of(mutex);
	struct list_head *at, *following;
	u64 flags;

	BUG_ON(!mutex_owned(mutex));
	MARK_POINT(SLOW);
	flags = spin_lock_irqsave(&turnstile->lock);
	WRITE_ONCE(mutex->owner, 0ul);
	list_for_each_safe(at, following, &turnstile->blocked) {
		struct blocked *waiter = list_entry(at, struct blocked, list);

		if (waiter->mutex != mutex)
			continue;
		list_del(&waiter->list);
		waiter->woken = 1;
		try_to_wake_up(waiter->task, TASK_UNINTERRUPTIBLE);
	}
	spin_unlock_irqrestore(&turnstile->lock, flags);
}

void cv_init(kcondvar_t *cv)
{
	spin_lock_init(&cv->lock);
	INIT_LIST_HEAD(&cv->waiters);
}

bool cv_wait(kcondvar_t *cv, kmutex_t *mutex)
{
	struct blocked self = { .mutex = mutex, .task = current };
	u64 flags = spin_lock_irqsave(&cv->lock);

	/* The mutex keeps signals out until we are in the list. */
	list_add_tail(&self.list, &cv->waiters);
	spin_unlock(&cv->lock);
	mutex_exit(mutex);
	note_sleep(SMPBOX_SLEEP_CV, cv, 0, 0);
	spin_lock(&cv->lock);
	while (!self.woken && !signal_pending(current)) {
		WRITE_ONCE(current->state, TASK_INTERRUPTIBLE);
		spin_unlock(&cv->lock);
		schedule();
		spin_lock(&cv->lock);
	}
	if (!self.woken)
		list_del(&self.list);
	spin_unlock_irqrestore(&cv->lock, flags);
	mutex_enter(mutex);
	return self.woken;
}

void cv_signal(kcondvar_t *cv)
{
	u64 flags = spin_lock_irqsave(&cv->lock);

	if (!list_empty(&cv->waiters)) {
		struct blocked *waiter = list_first_entry(&cv->waiters, struct blocked, list);

		list_del(&waiter->list);
		waiter->woken = 1;
		try_to_wake_up(waiter->task, TASK_INTERRUPTIBLE);
	}
	spin_unlock_irqrestore(&cv->lock, flags);
}

void mutexes_init(void)
{
	for (u32 i = 0; i < TURNSTILES; i++) {
		spin_lock_init(&turnstiles[i].lock);
		INIT_LIST_HEAD(&turnstiles[i].blocked);
	}
}
