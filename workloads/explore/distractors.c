/* Bugs of locks and lifetimes with sites where somebody might try a fence: no placement helps, and
 * `smpbox barriers` says so. Cases 000, 002, 003 and 004, as far as a few words show them; beside
 * 003 its lock-free repair, which needs one fence and is wrong with it; wait queues of today. */
#include "explore.h"

#define RUNNING 0
#define SLEEPING 1
#define POISON 0x6b

/* 000: a request goes onto the free list before its result is read; a submitter takes it and
 * zeroes it. */
volatile int c000_lock, c000_free, c000_length = 1024, c000_result;

void c000_reap(void)
{
	take_lock(&c000_lock);
	barrier_site("000.before");
	c000_free = 1;
	barrier_site("000.after");
	c000_lock = 0;
	barrier_site("000.unlocked");
	c000_result = c000_length;
}

void c000_submit(void)
{
	int mine;

	take_lock(&c000_lock);
	mine = c000_free;
	if (mine)
		c000_length = 0;
	c000_lock = 0;
	barrier_site("000.zeroed");
	if (mine)
		c000_length = 1024;
}

/* 002: the submitter and a completion add to one result, not atomically. */
volatile int c002_result;

void c002_add(int bytes)
{
	int sum;

	barrier_site("002.before");
	sum = c002_result + bytes;
	barrier_site("002.between");
	c002_result = sum;
	barrier_site("002.after");
}

/* 003: a completion looks for a waiter before it drops its reference, without the lock. */
volatile int c003_lock, c003_references = 2, c003_waiter, c003_state;

inlined int drop_reference(void)
{
	int old = -1;

	asm volatile("lock xaddl %0, %1" : "+r"(old), "+m"(c003_references) : : "memory", "cc");
	return old - 1;
}

void c003_end(void)
{
	int waits = c003_waiter;

	barrier_site("003.X1");
	if (drop_reference() == 1 && waits)
		c003_state = RUNNING;
}

void c003_await(void)
{
	take_lock(&c003_lock);
	while (c003_references > 1) {
		xchg(&c003_state, SLEEPING);
		if (c003_references <= 1)
			break;
		c003_waiter = 1;
		barrier_site("003.waiter");
		c003_lock = 0;
		SMPBOX_SLEEP_UNTIL_RUNNING(&c003_state);
		take_lock(&c003_lock);
		c003_waiter = 0;
	}
	c003_lock = 0;
}

/* X5 to X7: the reference first, then the look; the waiter is published before its own look. One
 * fence makes that wake whoever waits; whether the look is at memory that was freed is another
 * question, c003_late == 0, and no fence answers it. */
volatile int c003_late;

void c003_end_after(void)
{
	int waits;

	if (drop_reference() != 1)
		return;
	waits = c003_waiter;
	if (waits == POISON)
		c003_late = 1;
	else if (waits)
		c003_state = RUNNING;
}

void c003_await_first(void)
{
	c003_state = SLEEPING;
	barrier_site("003.X6");
	c003_waiter = 1;
	barrier_site("003.X7");
	if (c003_references > 1)
		SMPBOX_SLEEP_UNTIL_RUNNING(&c003_state);
	c003_waiter = POISON;
}

/* 004: a wake-up takes an I/O off its wait queue, then kicks it; in between the run path may see
 * it off the queue, run it to its end and free it. */
volatile int c004_lock, c004_queued = 1, c004_kicked, c004_list, c004_uses;

void c004_wake(void)
{
	int old;

	c004_queued = 0;
	barrier_site("004.S1");
	old = xchg(&c004_kicked, 1);
	if (old == POISON)
		c004_uses = 1;
	if (old)
		return;
	barrier_site("004.S3");
	take_lock(&c004_lock);
	if (c004_list == POISON)
		c004_uses = 1;
	c004_lock = 0;
}

void c004_run(void)
{
	int again;

	if (!c004_queued)
		xchg(&c004_kicked, 1);
	take_lock(&c004_lock);
	again = c004_kicked;
	if (again) {
		c004_kicked = POISON;
		c004_list = POISON;
	}
	c004_lock = 0;
}

/* wM2: fs/aio of 2024. The completer takes the entry off the queue before it reads whose it is; a
 * waiter whose time is over sees without the lock that it is off, and its stack is used again. */
volatile int m2_lock, m2_linked = 1, m2_task = 1, m2_late;

void m2_wake(void)
{
	take_lock(&m2_lock);
	if (m2_linked) {
		barrier_site("wM2.before");
		m2_linked = 0;
		barrier_site("wM2.unlinked");
		if (m2_task == POISON)
			m2_late = 1;
	}
	m2_lock = 0;
}

void m2_return(void)
{
	if (m2_linked) {
		take_lock(&m2_lock);
		m2_linked = 0;
		m2_lock = 0;
	}
	barrier_site("wM2.return");
	m2_task = POISON;
}

/* wM6: eventfd. Counter and waiters are under one lock: nothing is missing. */
volatile int m6_lock, m6_count, m6_queued, m6_state;

void m6_write(void)
{
	take_lock(&m6_lock);
	m6_count = 1;
	barrier_site("wM6.write");
	if (m6_queued)
		m6_state = RUNNING;
	m6_lock = 0;
}

void m6_read(void)
{
	int sleeps;

	take_lock(&m6_lock);
	m6_queued = 1;
	m6_state = SLEEPING;
	barrier_site("wM6.read");
	sleeps = !m6_count;
	m6_lock = 0;
	if (sleeps)
		SMPBOX_SLEEP_UNTIL_RUNNING(&m6_state);
}
