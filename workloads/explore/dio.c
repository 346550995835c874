/* Case 003: a completion drops its reference of a direct I/O and wakes the submitter, who waits
 * until his own reference is the last one and then frees it. Each side may be written in many ways,
 * chosen by an argument; which pair sleeps for ever, and which one touches what was freed, is a
 * table in test/explore/dio.test.ts. Freed memory is POISON: a load that reads it came too late,
 * and a store to it shows at the end. */
#include "explore.h"

#define RUNNING 0
#define SLEEPING 1
#define POISON 0x6b

enum end {
	E_BUG,		/* look for a waiter, then drop, without the lock */
	E_LOCKED,	/* drop, look and wake under the lock: the fix */
	E_WAKE_LATE,	/* drop and look under the lock, wake behind its release */
	E_FENCE,	/* MFENCE between look and drop */
	E_LOOK_LOCKED,	/* the lock around the look only */
	E_DROP_LOCKED,	/* the lock around the drop only */
	E_DROP_FIRST,	/* drop, then look */
	E_LOCK_BETWEEN	/* drop, then look under the lock */
};

enum wait {
	W_CHECKED,	 /* state by XCHG, the count again, waiter; all under the lock */
	W_SIMPLE,	 /* state and waiter by plain stores; all under the lock */
	W_PUBLISH,	 /* waiter and state by plain stores, then the count */
	W_PUBLISH_WMB,	 /* ... and SFENCE between */
	W_STATE_BEFORE,	 /* state by XCHG, waiter by a plain store, then the count */
	W_STATE_BEHIND,	 /* waiter by a plain store, state by XCHG, then the count */
	W_PUBLISH_FENCED /* waiter and state by plain stores, MFENCE, then the count */
};

volatile int dio_lock, dio_references = 2, dio_waiter;
volatile int dio_state, dio_run_lock, dio_late;

/* The completion's accesses: freed memory is told by what is in it. */
inlined int touch(int value)
{
	if (value == POISON)
		dio_late = 1;
	return value;
}

/* Taken? Not of a lock that is freed memory: nobody would ever release it. */
inlined int take_dio(void)
{
	int old;

	while ((old = touch(xchg(&dio_lock, 1))) == 1)
		;
	return old != POISON;
}

inlined int drop(void)
{
	int old = -1;

	asm volatile("lock xaddl %0, %1" : "+r"(old), "+m"(dio_references) : : "memory", "cc");
	return old - 1;
}

/* try_to_wake_up(): the task outlives its request. */
inlined void wake(void)
{
	take_lock(&dio_run_lock);
	if (dio_state != RUNNING)
		dio_state = RUNNING;
	dio_run_lock = 0;
}

inlined void end_locked(int late)
{
	int waits;

	take_dio();
	dio_references = dio_references - 1;
	waits = dio_references == 1 && touch(dio_waiter);
	if (!late && waits)
		wake();
	dio_lock = 0;
	if (late && waits)
		wake();
}

inlined void end_after(int locked)
{
	if (drop() != 1)
		return;
	if (locked && !take_dio())
		return;
	if (touch(dio_waiter))
		wake();
	if (locked)
		dio_lock = 0;
}

void dio_end(enum end e)
{
	int waits;

	if (e == E_LOCKED || e == E_WAKE_LATE) {
		end_locked(e == E_WAKE_LATE);
		return;
	}
	if (e == E_DROP_FIRST || e == E_LOCK_BETWEEN) {
		end_after(e == E_LOCK_BETWEEN);
		return;
	}
	if (e == E_LOOK_LOCKED)
		take_dio();
	waits = touch(dio_waiter) != 0;
	if (e == E_LOOK_LOCKED)
		dio_lock = 0;
	if (e == E_FENCE)
		FENCE(1);
	if (e == E_DROP_LOCKED)
		take_dio();
	if (drop() != 1)
		waits = 0;
	if (e == E_DROP_LOCKED)
		dio_lock = 0;
	if (waits)
		wake();
}

/* Says that it waits; is there still something to wait for? */
inlined int announce(enum wait w)
{
	if (w == W_CHECKED) {
		xchg(&dio_state, SLEEPING);
		if (dio_references <= 1)
			return 0;
		dio_waiter = 1;
		return 1;
	}
	if (w == W_STATE_BEFORE)
		xchg(&dio_state, SLEEPING);
	dio_waiter = 1;
	if (w == W_STATE_BEHIND)
		xchg(&dio_state, SLEEPING);
	else if (w != W_STATE_BEFORE)
		dio_state = SLEEPING;
	if (w == W_SIMPLE)
		return 1;
	if (w == W_PUBLISH_WMB)
		asm volatile("sfence" : : : "memory");
	if (w == W_PUBLISH_FENCED)
		FENCE(1);
	return dio_references > 1;
}

void dio_await(enum wait w)
{
	take_lock(&dio_lock);
	while (dio_references > 1) {
		if (announce(w)) {
			dio_lock = 0;
			SMPBOX_SLEEP_UNTIL_RUNNING(&dio_state);
			take_lock(&dio_lock);
		}
		dio_waiter = 0;
		xchg(&dio_state, RUNNING);
	}
	dio_lock = 0;
	drop();
	dio_references = POISON;
	dio_waiter = POISON;
	dio_lock = POISON;
}

/* Of what was freed nothing was read or written. */
int dio_ok(void)
{
	return !dio_late && dio_lock == POISON && dio_references == POISON && dio_waiter == POISON;
}
