/* More places where a sleeper is looked for without its lock, with sites as in sites.c. In three of
 * them one side is fenced already, by a locked instruction that it needs anyway: there the fence
 * that is missing is the other side's alone. */
#include "explore.h"

#define RUNNING 0
#define SLEEPING 1

/* wM3: io_uring's completion queue. A release of the tail orders what was stored before it, not the
 * look at the queue behind it; the waiter is in prepare_to_wait(), which exchanges the state. */
volatile int m3_tail ON_A_LINE, m3_entry, m3_state ON_A_LINE, m3_lock ON_A_LINE, m3_queued;

void m3_complete(void)
{
	m3_entry = 1;
	barrier_site("wM3.release");
	m3_tail = 1;
	barrier_site("wM3.sleeper");
	if (!m3_queued)
		return;
	take_lock(&m3_lock);
	if (m3_queued)
		m3_state = RUNNING;
	m3_lock = 0;
}

void m3_wait(void)
{
	take_lock(&m3_lock);
	m3_queued = 1;
	xchg(&m3_state, SLEEPING);
	m3_lock = 0;
	if (!m3_tail)
		SMPBOX_SLEEP_UNTIL_RUNNING(&m3_state);
}

/* wM8: wake_up_bit(). A bit that is cleared by a locked instruction needs no fence behind it. */
volatile int m8_bit ON_A_LINE = 1, m8_state ON_A_LINE, m8_lock ON_A_LINE, m8_queued;

void m8_unlock(void)
{
	store_site("wM8.clear", m8_bit, 0);
	barrier_site("wM8.wake");
	if (!m8_queued)
		return;
	take_lock(&m8_lock);
	if (m8_queued)
		m8_state = RUNNING;
	m8_lock = 0;
}

void m8_wait(void)
{
	take_lock(&m8_lock);
	m8_queued = 1;
	xchg(&m8_state, SLEEPING);
	m8_lock = 0;
	if (m8_bit)
		SMPBOX_SLEEP_UNTIL_RUNNING(&m8_state);
}

/* wM9: a futex. The waker stores the word and looks at the count of the bucket; the waiter counts
 * itself before it takes the bucket's lock and compares the word, or too late. */
volatile int m9_word ON_A_LINE, m9_count ON_A_LINE, m9_state ON_A_LINE;
volatile int m9_bucket ON_A_LINE, m9_queued;

void m9_wake(void)
{
	m9_word = 1;
	barrier_site("wM9.wake");
	if (!m9_count)
		return;
	take_lock(&m9_bucket);
	if (m9_queued)
		m9_state = RUNNING;
	m9_bucket = 0;
}

/* With the lock held, which is given back. */
inlined int enqueue(int word)
{
	if (!word) {
		m9_queued = 1;
		m9_state = SLEEPING;
	}
	m9_bucket = 0;
	return !word;
}

void m9_wait(void)
{
	store_site("wM9.count", m9_count, 1);
	barrier_site("wM9.wait");
	take_lock(&m9_bucket);
	if (enqueue(m9_word))
		SMPBOX_SLEEP_UNTIL_RUNNING(&m9_state);
}

void m9_wait_late(void)
{
	int word;

	take_lock(&m9_bucket);
	word = m9_word;
	store_site("wM9.count", m9_count, 1);
	barrier_site("wM9.wait");
	if (enqueue(word))
		SMPBOX_SLEEP_UNTIL_RUNNING(&m9_state);
}

/* wM10: kthread_park() and its like. wake_up_process() takes a lock before it reads the state;
 * __set_current_state() is a plain store in front of the look at the condition. */
volatile int m10_condition ON_A_LINE, m10_state ON_A_LINE, m10_lock ON_A_LINE;

void m10_wake(void)
{
	m10_condition = 1;
	barrier_site("wM10.wake");
	take_lock(&m10_lock);
	if (m10_state != RUNNING)
		m10_state = RUNNING;
	m10_lock = 0;
}

void m10_wait(void)
{
	store_site("wM10.state", m10_state, SLEEPING);
	barrier_site("wM10.sleep");
	if (m10_condition)
		m10_state = RUNNING;
	else
		SMPBOX_SLEEP_UNTIL_RUNNING(&m10_state);
}

/* wM11: the block layer's restart bit. A request that ends gives its tag back and restarts who said
 * that it found none; that one says so and tries again before it gives up. */
volatile int m11_free ON_A_LINE, m11_restart ON_A_LINE, m11_stopped ON_A_LINE = SLEEPING;

void m11_end(void)
{
	m11_free = 1;
	barrier_site("wM11.end");
	if (m11_restart)
		m11_stopped = RUNNING;
}

void m11_dispatch(void)
{
	store_site("wM11.restart", m11_restart, 1);
	barrier_site("wM11.again");
	if (!m11_free)
		SMPBOX_SLEEP_UNTIL_RUNNING(&m11_stopped);
}
