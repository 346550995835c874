/*
 * aio_complete(), the template of its variants. A variant's file defines AIO_COMPLETE, the
 * function's name, and FENCE_AFTER_PUT(), what stands between the store of the tail and the look
 * at the wait queue, and includes this. There is no other difference and no branch on the
 * variant.
 *
 * The reaper stores its entry (1e) and its state (1g, an exchange: a full fence), then loads
 * ring.tail (2). The completer stores ring.tail (A3), then loads the wait queue's head (B). If
 * neither sees the other, the reaper sleeps with its event in the ring. With no fence between A3
 * and B, B may be satisfied while A3 is still in this CPU's store buffer, waiting for the line
 * that the reaper has just read:
 *
 *     completer: A3 -> store buffer      B: the queue is empty, no wake-up
 *     reaper:                1e, 1g                 2: the old tail, sleep
 *     completer:                                          A3 becomes visible; nobody looks any more
 */
#include "put_req.h"

noinline bool AIO_COMPLETE(struct kiocb *iocb, s64 res, s64 res2)
{
	struct kioctx *ctx = iocb->ki_ctx;
	struct aio_ring_info *info = &ctx->ring_info;
	struct smpbox_counters *counters;
	struct list_head *first;
	struct io_event *event;
	struct aio_ring *ring;
	bool last;
	u64 flags;
	u32 tail;

	flags = spin_lock_irqsave(&ctx->ctx_lock);
	if (!list_empty(&iocb->ki_run_list))
		list_del_init(&iocb->ki_run_list);

	ring = info->ring;
	tail = READ_ONCE(info->tail);
	event = &ring->io_events[tail];
	if (++tail >= info->nr)
		tail = 0;
	store_labelled(A1, event->obj, iocb->ki_obj);
	WRITE_ONCE(event->data, iocb->ki_user_data);
	WRITE_ONCE(event->res, res);
	WRITE_ONCE(event->res2, res2);
	smp_wmb(); /* the event before the tail that announces it */
	store_labelled(A2, info->tail, tail);
	store_labelled(A3, ring->tail, tail);

	last = __aio_put_req(ctx, iocb);
	FENCE_AFTER_PUT();
	first = load_labelled(B, ctx->wait.task_list.next);
	if (first != &ctx->wait.task_list)
		wake_up(&ctx->wait);
	spin_unlock_irqrestore(&ctx->ctx_lock, flags);

	counters = &this_cpu()->counters;
	counters->completions++;
	counters->final_puts += last;
	if (first == &ctx->wait.task_list)
		counters->b_empty++;
	else
		counters->b_waiters++;
	return last;
}
