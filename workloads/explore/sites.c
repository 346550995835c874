/* "Publish, then look for a sleeper" against "enlist, then look for work", as it is found in other
 * places than case 001. Nothing is fenced here: every place where a fence might stand is a site,
 * and `smpbox barriers` says which of them need one. What one side writes and the other reads has a
 * cache line of its own, so that what a fence costs is not what false sharing costs. */
#include "explore.h"

#define RUNNING 0
#define SLEEPING 1

/* wM1: waitqueue_active() before wake_up(), against a wait with a plain store of the state. */
volatile int m1_condition ON_A_LINE, m1_state ON_A_LINE, m1_lock ON_A_LINE, m1_queued;

void m1_wake(void)
{
	m1_condition = 1;
	barrier_site("wM1.wake");
	if (!m1_queued)
		return;
	take_lock(&m1_lock);
	if (m1_queued)
		m1_state = RUNNING;
	m1_lock = 0;
}

void m1_wait(void)
{
	take_lock(&m1_lock);
	m1_queued = 1;
	m1_lock = 0;
	m1_state = SLEEPING;
	barrier_site("wM1.wait");
	if (m1_condition)
		m1_state = RUNNING;
	else
		SMPBOX_SLEEP_UNTIL_RUNNING(&m1_state);
}

/* wM4: io_uring's SQPOLL. The application fills the queue and calls the kernel only if its thread
 * says that it needs to be woken; the thread raises that flag under a lock, and looks again. */
volatile int m4_tail ON_A_LINE, m4_flags ON_A_LINE, m4_lock ON_A_LINE, m4_state ON_A_LINE;
volatile int m4_done ON_A_LINE;

void m4_submit(void)
{
	m4_tail = 1;
	barrier_site("wM4.app");
	if (m4_flags)
		xchg(&m4_state, RUNNING);
}

void m4_poll(void)
{
	xchg(&m4_state, SLEEPING);
	take_lock(&m4_lock);
	store_site("wM4.flag", m4_flags, 1);
	m4_lock = 0;
	barrier_site("wM4.poll");
	if (!m4_tail)
		SMPBOX_SLEEP_UNTIL_RUNNING(&m4_state);
	m4_done = m4_tail;
}

/* wM5: virtio's split ring with event index. The driver adds a buffer and kicks if the device asked
 * for it; the device asks to be kicked for the next buffer, and looks again. */
volatile unsigned short m5_index ON_A_LINE, m5_event ON_A_LINE = 0xffff;
volatile int m5_idle ON_A_LINE = SLEEPING;

void m5_driver(void)
{
	unsigned short old = m5_index, event;

	m5_index = old + 1;
	barrier_site("wM5.driver");
	event = m5_event;
	if ((unsigned short)(old + 1 - event - 1) < 1)
		m5_idle = RUNNING;
}

void m5_device(void)
{
	unsigned short seen = 0;

	m5_event = seen;
	barrier_site("wM5.device");
	if (m5_index == seen)
		SMPBOX_SLEEP_UNTIL_RUNNING(&m5_idle);
}

/* wM7: an adaptive mutex as in illumos. The owner's release looks for waiters and then frees the
 * lock with a plain store; that is right only because a thread blocks only if the owner does not
 * run, and the owner is seen to run: resume() publishes the thread before it goes on. */
#define OWNER 1

volatile int m7_owner ON_A_LINE = OWNER, m7_waiters ON_A_LINE, m7_running ON_A_LINE;
volatile int m7_queue_lock ON_A_LINE, m7_state ON_A_LINE;

/* The owner is put on a CPU, and releases the lock. */
void m7_release(void)
{
	m7_running = OWNER;
	barrier_site("wM7.resume");
	if (!m7_waiters) {
		m7_owner = 0;
		return;
	}
	m7_owner = 0;
	take_lock(&m7_queue_lock);
	if (m7_state != RUNNING)
		m7_state = RUNNING;
	m7_queue_lock = 0;
}

void m7_acquire(void)
{
	while (m7_owner) {
		if (m7_running == OWNER) {
			pause();
			continue;
		}
		take_lock(&m7_queue_lock);
		store_site("wM7.waiters", m7_waiters, 1);
		barrier_site("wM7.block");
		if (m7_running != OWNER && m7_owner) {
			m7_state = SLEEPING;
			m7_queue_lock = 0;
			SMPBOX_SLEEP_UNTIL_RUNNING(&m7_state);
		} else {
			m7_queue_lock = 0;
		}
	}
}

/* Case 001: aio_complete() of Linux 2.6.24 against read_events(), with the locks of both. Upstream
 * put smp_mb() at 001.fence; set_current_state() is the store 001.state by xchg. */
volatile int c001_ctx_lock ON_A_LINE, c001_wait_lock, c001_waiting;
volatile int c001_tail ON_A_LINE, c001_event, c001_state ON_A_LINE;

void c001_complete(void)
{
	take_lock(&c001_ctx_lock);
	c001_event = 1;
	store_site("001.tail", c001_tail, 1);
	barrier_site("001.fence");
	if (c001_waiting) {
		take_lock(&c001_wait_lock);
		if (c001_waiting)
			c001_state = RUNNING;
		c001_wait_lock = 0;
	}
	c001_ctx_lock = 0;
}

void c001_wait(void)
{
	take_lock(&c001_wait_lock);
	c001_waiting = 1;
	c001_wait_lock = 0;
	store_site("001.state", c001_state, SLEEPING);
	barrier_site("001.waiter");
	if (c001_tail)
		c001_state = RUNNING;
	else
		SMPBOX_SLEEP_UNTIL_RUNNING(&c001_state);
}
