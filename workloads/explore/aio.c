/* aio_complete() of Linux 2.6.24 against read_events(): one event, one completer, one waiter, with
 * the wait queue, the locks and the sleep. The completer stores the ring's tail and then looks
 * whether anybody waits; the waiter joins the wait queue and then looks at the tail. Each side is
 * written in many ways, a compiled copy of each, for nothing may be decided between two accesses
 * when its cycles are counted; who sleeps for ever with which pair is a matrix in
 * test/explore/aio.test.ts. */
#include "explore.h"

#define RUNNING 0
#define SLEEPING 1

/* Between the store of the tail (A3) and the look at the wait queue (B), or around them. */
enum completer {
	K_NONE,	      /* 2.6.24 */
	K_WMB,	      /* SFENCE */
	K_RMB,	      /* LFENCE */
	K_READ_BACK,  /* the tail is read again */
	K_MB_BEFORE,  /* MFENCE in front of both tails */
	K_MB_AFTER,   /* MFENCE behind B */
	K_XCHG_INFO,  /* ring_info.tail by XCHG, then A3 */
	K_MB,	      /* MFENCE between A3 and B: the fix */
	K_XCHG_TAIL,  /* A3 by XCHG */
	K_XCHG_AFTER, /* A3, then ring_info.tail by XCHG */
	K_FINAL_PUT,  /* a locked decrement of the file's count */
	K_WAIT_LOCK,  /* B under the wait queue's lock */
	K_ALWAYS,     /* no look: it always wakes */
	K_XCHG_UNLOCK /* the context's lock is freed by XCHG in front of B */
};

/* How the waiter says that it sleeps, and what stands between that and its look at the tail. */
enum waiter {
	R_XCHG,	       /* set_current_state() behind add_wait_queue(): 2.6.24 */
	R_PREPARE,     /* prepare_to_wait(): XCHG under the wait queue's lock */
	R_PLAIN,       /* a plain store */
	R_WMB,	       /* ... and SFENCE */
	R_RMB,	       /* ... and LFENCE */
	R_MB,	       /* ... and MFENCE */
	R_BEFORE,      /* XCHG in front of add_wait_queue() */
	R_XCHG_UNLOCK, /* a plain store; the wait queue's lock is freed by XCHG */
	R_LOCKED_READ, /* a plain store; the tail is read by a locked instruction */
	R_CTX_LOCK     /* a plain store; the tail is read under the completer's lock */
};

/* Cache lines as in the kernel (workloads/kernel/aio/aio.h): the wait queue beside ctx_lock, the
 * ring's tail beside the first event, the rest apart. */
volatile struct {
	int wait_lock, waiting, ctx_lock;
} aio_ctx ON_A_LINE;
volatile struct {
	int tail, event;
} aio_ring ON_A_LINE;
volatile struct {
	int state, run_lock;
} aio_task ON_A_LINE;
volatile int aio_info_tail ON_A_LINE, aio_users ON_A_LINE = 2, aio_file ON_A_LINE = 5;

inlined void wake_up(void)
{
	take_lock(&aio_ctx.wait_lock);
	if (aio_ctx.waiting) {
		take_lock(&aio_task.run_lock);
		if (aio_task.state != RUNNING)
			aio_task.state = RUNNING;
		aio_task.run_lock = 0;
	}
	aio_ctx.wait_lock = 0;
}

inlined void publish(enum completer k)
{
	aio_ring.event = 1;
	if (k == K_MB_BEFORE)
		FENCE(1);
	if (k == K_XCHG_INFO)
		xchg(&aio_info_tail, 1);
	else if (k != K_XCHG_AFTER)
		aio_info_tail = 1;
	if (k == K_XCHG_TAIL)
		xchg(&aio_ring.tail, 1);
	else
		aio_ring.tail = 1;
	if (k == K_XCHG_AFTER)
		xchg(&aio_info_tail, 1);
	aio_users = 1;
	if (k == K_FINAL_PUT)
		asm volatile("lock decl %0" : "+m"(aio_file) : : "memory", "cc");
}

/* inside: B is done with ctx_lock held, as in 2.6.24; otherwise behind the unlock, as in 2.6.9. */
inlined void complete(enum completer k, int inside)
{
	int waiting;

	take_lock(&aio_ctx.ctx_lock);
	publish(k);
	if (!inside && k == K_XCHG_UNLOCK)
		xchg(&aio_ctx.ctx_lock, 0);
	else if (!inside)
		aio_ctx.ctx_lock = 0;
	if (k == K_WMB)
		asm volatile("sfence" : : : "memory");
	else if (k == K_RMB)
		asm volatile("lfence" : : : "memory");
	else if (k == K_MB)
		FENCE(1);
	else if (k == K_READ_BACK)
		(void)aio_ring.tail;
	if (k == K_WAIT_LOCK)
		take_lock(&aio_ctx.wait_lock);
	waiting = k == K_ALWAYS || aio_ctx.waiting;
	if (k == K_WAIT_LOCK)
		aio_ctx.wait_lock = 0;
	if (k == K_MB_AFTER)
		FENCE(1);
	if (waiting)
		wake_up();
	if (inside)
		aio_ctx.ctx_lock = 0;
}

/* Layout 24 has B inside, layout 9 does not. */
#define COMPLETER(number, k)                                                                       \
	void aio_complete_24_k##number(void)                                                       \
	{                                                                                          \
		complete(k, 1);                                                                    \
	}                                                                                          \
	void aio_complete_9_k##number(void)                                                        \
	{                                                                                          \
		complete(k, 0);                                                                    \
	}

COMPLETER(0, K_NONE)
COMPLETER(1, K_WMB)
COMPLETER(2, K_RMB)
COMPLETER(3, K_READ_BACK)
COMPLETER(4, K_MB_BEFORE)
COMPLETER(5, K_MB_AFTER)
COMPLETER(6, K_XCHG_INFO)
COMPLETER(7, K_MB)
COMPLETER(8, K_XCHG_TAIL)
COMPLETER(9, K_XCHG_AFTER)
COMPLETER(10, K_FINAL_PUT)
COMPLETER(11, K_WAIT_LOCK)
COMPLETER(12, K_ALWAYS)
COMPLETER(13, K_XCHG_UNLOCK)

inlined void add_wait_queue(enum waiter r)
{
	if (r == R_BEFORE)
		xchg(&aio_task.state, SLEEPING);
	take_lock(&aio_ctx.wait_lock);
	aio_ctx.waiting = 1;
	if (r == R_PREPARE)
		xchg(&aio_task.state, SLEEPING);
	if (r == R_XCHG_UNLOCK)
		xchg(&aio_ctx.wait_lock, 0);
	else
		aio_ctx.wait_lock = 0;
}

inlined void go_to_sleep(enum waiter r)
{
	if (r == R_XCHG)
		xchg(&aio_task.state, SLEEPING);
	else if (r != R_BEFORE && r != R_PREPARE)
		aio_task.state = SLEEPING;
	if (r == R_WMB)
		asm volatile("sfence" : : : "memory");
	else if (r == R_RMB)
		asm volatile("lfence" : : : "memory");
	else if (r == R_MB)
		FENCE(1);
}

inlined int read_tail(enum waiter r)
{
	int tail = 0;

	if (r == R_LOCKED_READ) {
		asm volatile("lock xaddl %0, %1"
			     : "+r"(tail), "+m"(aio_ring.tail)
			     :
			     : "memory", "cc");
		return tail;
	}
	if (r == R_CTX_LOCK)
		take_lock(&aio_ctx.ctx_lock);
	tail = aio_ring.tail;
	if (r == R_CTX_LOCK)
		aio_ctx.ctx_lock = 0;
	return tail;
}

inlined void wait(enum waiter r)
{
	add_wait_queue(r);
	for (;;) {
		go_to_sleep(r);
		if (read_tail(r))
			break;
		SMPBOX_SLEEP_UNTIL_RUNNING(&aio_task.state);
		xchg(&aio_task.state, SLEEPING);
		if (aio_ring.tail)
			break;
		SMPBOX_SLEEP_UNTIL_RUNNING(&aio_task.state);
	}
	xchg(&aio_task.state, RUNNING);
	take_lock(&aio_ctx.wait_lock);
	aio_ctx.waiting = 0;
	aio_ctx.wait_lock = 0;
}

#define WAITER(letter, r)                                                                          \
	void aio_wait_##letter(void)                                                               \
	{                                                                                          \
		wait(r);                                                                           \
	}

WAITER(a, R_XCHG)
WAITER(b, R_PREPARE)
WAITER(c, R_PLAIN)
WAITER(d, R_WMB)
WAITER(e, R_RMB)
WAITER(f, R_MB)
WAITER(g, R_BEFORE)
WAITER(h, R_XCHG_UNLOCK)
WAITER(i, R_LOCKED_READ)
WAITER(j, R_CTX_LOCK)
