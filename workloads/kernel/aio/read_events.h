/*
 * read_events(), the reaper, the template of its variants. A variant's file defines VARIANT and
 * those hooks in which it differs from a, and includes this; it is included twice for the two ways
 * of releasing wait.lock. The steps have the names of workloads/kernel/README.md.
 */
#include "../arch/probe.h"
#include "../arch/usercopy.h"
#include "../core/sched.h"
#include "../sys/errno.h"
#include "aio.h"

#ifndef READ_TAIL /* step 2 */
#define READ_TAIL(ctx, ring) load_labelled(2, (ring)->tail)
#endif
#ifndef BEFORE_LIST /* before the entry is in the list */
#define BEFORE_LIST() barrier()
#endif
#ifndef ENLIST /* 1a to 1f */
#define ENLIST(queue, wait) ADD_WAIT_QUEUE(queue, wait)
#endif
#ifndef SET_STATE /* 1g and its fence, in every turn of the loop */
#define SET_STATE(queue, wait) xchg_labelled(1g, current->state, (u64)TASK_INTERRUPTIBLE)
#endif
#ifndef AFTER_SLEEP
#define AFTER_SLEEP() barrier()
#endif

#define PASTE(a, b) a##b
#define NAME(function, variant) PASTE(function, variant)
#define AIO_READ_EVT NAME(aio_read_evt__, VARIANT)

/* Takes the oldest event out of the ring. head is written only here, under ring_lock, but users
 * can write to the ring too: what is read from it is brought back into range. */
static noinline bool AIO_READ_EVT(struct kioctx *ctx, struct io_event *event)
{
	struct aio_ring_info *info = &ctx->ring_info;
	struct aio_ring *ring = info->ring;
	u32 head = READ_ONCE(ring->head);
	bool got = false;

	if (head == READ_TAIL(ctx, ring))
		return false;

	spin_lock(&info->ring_lock);
	head = READ_ONCE(ring->head);
	if (head >= info->nr)
		head = 0;
	if (head != READ_ONCE(ring->tail)) {
		*event = ring->io_events[head];
		if (++head >= info->nr)
			head = 0;
		smp_mb(); /* the event is read before its slot is given back */
		WRITE_ONCE(ring->head, head);
		got = true;
	}
	spin_unlock(&info->ring_lock);
	return got;
}

#define READ_EVENTS NAME(read_events__, VARIANT)
#define WAIT_FOR_EVENT NAME(wait_for_event__, VARIANT)
#define ADD_WAIT_QUEUE add_wait_queue_exclusive
#define PREPARE_TO_WAIT prepare_to_wait_exclusive
#include "read_events-body.h"

#define XCHG(name) NAME(name, _xchg)
#define READ_EVENTS XCHG(NAME(read_events__, VARIANT))
#define WAIT_FOR_EVENT XCHG(NAME(wait_for_event__, VARIANT))
#define ADD_WAIT_QUEUE add_wait_queue_exclusive_xchg
#define PREPARE_TO_WAIT prepare_to_wait_exclusive_xchg
#include "read_events-body.h"
