/*
 * One try of a request and the wake-up that asks for the next one, the template of case 004's
 * variants. A try whose method has to wait leaves ki_wait in the queue of a page and says
 * -EIOCBRETRY. When the page is unlocked, the wake function takes ki_wait out (Q1), marks the
 * request (Q3) and puts it on run_list (Q6). It comes in the softirq with the queue's lock held
 * and interrupts off, so whatever races with it is on another CPU. A variant's file defines
 * VARIANT, and of the hooks below those in which it differs from `bug`, and includes this.
 *
 * Who tries marks the request himself when ki_wait is in no queue (P3, P4), because in `bug` a
 * method may say -EIOCBRETRY without having queued it, and queues it if it is marked (P7). Between
 * Q1 and Q6 that is a second opinion on the same wake-up, and the request may be tried again, end
 * and be freed, while the wake function still holds a pointer to it:
 *
 *     wake function   Q1                                     Q3, Q4: freed memory
 *     who tries            P3: no queue, P4, P7: next try, done, freed
 *
 *     wake function   Q1 Q3                                  Q6: freed memory
 *     who tries             P7: marked: next try, done, freed
 */
#include "put_req.h"

#include "../sys/errno.h"
#include "retry.h"

/* Q1 to Q7: has the request been put on run_list, and nobody told of it? */
#ifndef KICK
#define KICK(iocb, wait, ctx) (unlink_wait(wait), kick_unlocked(iocb, ctx))
#endif
#ifndef BEFORE_LOCK /* P3 and P4, without ctx_lock */
#define BEFORE_LOCK(iocb) mark_if_unqueued(iocb)
#endif
#ifndef UNDER_LOCK /* the same, with it */
#define UNDER_LOCK(iocb) ((void)0)
#endif
#ifndef TOOK_ENTRY /* the wake function is done with the request */
#define TOOK_ENTRY(iocb, ctx) ((void)0)
#endif

#ifndef WHEN_QUEUED /* Q4 found it in a queue */
#define WHEN_QUEUED() aio_warn()
#endif

#define PASTE(a, b) a##__##b
#define EXPAND(a, b) PASTE(a, b)
#define NAME(function) EXPAND(function, VARIANT)

/* Q1: the same stores as list_del_init(), the third one named. */
static __always_inline void unlink_wait(wait_queue_t *wait)
{
	struct list_head *entry = &wait->task_list;

	__list_del(entry->prev, entry->next);
	store_labelled(Q1, entry->next, entry);
	WRITE_ONCE(entry->prev, entry);
}

/* Q3: marks it; was it marked before? */
static __always_inline bool try_kick(struct kiocb *iocb)
{
	return test_and_set_labelled(Q3, iocb->ki_flags, KIF_KICKED_BIT);
}

/* Q6, under ctx_lock. */
static __always_inline bool append(struct kiocb *iocb, struct kioctx *ctx)
{
	struct list_head *entry = &iocb->ki_run_list;

	if (load_labelled(Q6, entry->next) != entry)
		return false;
	list_add_tail(entry, &ctx->run_list);
	return true;
}

/* Q4: it must be in no queue, since it has just been taken out. */
static __always_inline void check_unqueued(struct kiocb *iocb)
{
	struct list_head *entry = &iocb->ki_wait.task_list;

	if (load_labelled(Q4, entry->next) != entry)
		WHEN_QUEUED();
}

static __always_inline bool kick_unlocked(struct kiocb *iocb, struct kioctx **ctx)
{
	bool run;
	u64 flags;

	if (try_kick(iocb))
		return false;
	*ctx = READ_ONCE(iocb->ki_ctx);
	check_unqueued(iocb);
	flags = spin_lock_irqsave(&(*ctx)->ctx_lock); /* Q5 */
	run = append(iocb, *ctx);
	spin_unlock_irqrestore(&(*ctx)->ctx_lock, flags); /* Q7 */
	return run;
}

/* With Q3 under ctx_lock, too. So is Q8: request and context cannot end before. */
static __always_inline bool kick_locked(struct kiocb *iocb, struct kioctx **ctx)
{
	u64 flags;

	*ctx = READ_ONCE(iocb->ki_ctx);
	flags = spin_lock_irqsave(&(*ctx)->ctx_lock);
	if (!try_kick(iocb)) {
		check_unqueued(iocb);
		if (append(iocb, *ctx))
			aio_queue_work(*ctx);
	}
	spin_unlock_irqrestore(&(*ctx)->ctx_lock, flags);
	return false;
}

/* With Q1, too: the repair that was proposed. */
static __always_inline bool unlink_and_kick_locked(struct kiocb *iocb, wait_queue_t *wait,
						   struct kioctx **ctx)
{
	u64 flags;

	*ctx = READ_ONCE(iocb->ki_ctx);
	flags = spin_lock_irqsave(&(*ctx)->ctx_lock);
	unlink_wait(wait);
	if (!try_kick(iocb) && append(iocb, *ctx))
		aio_queue_work(*ctx);
	spin_unlock_irqrestore(&(*ctx)->ctx_lock, flags);
	return false;
}

static __always_inline void mark_if_unqueued(struct kiocb *iocb)
{
	struct list_head *entry = &iocb->ki_wait.task_list;

	if (load_labelled(P3, entry->next) == entry)
		test_and_set_labelled(P4, iocb->ki_flags, KIF_KICKED_BIT);
}

noinline bool NAME(aio_wake_function)(wait_queue_t *wait, void *key)
{
	struct kiocb *iocb = container_of(wait, struct kiocb, ki_wait);
	struct kioctx *ctx = NULL;

	if (key != iocb->ki_wait_key)
		return false;
	if (KICK(iocb, wait, &ctx))
		aio_queue_work(ctx); /* Q8 */
	TOOK_ENTRY(iocb, ctx);
	return true;
}

/* Called and returns with ctx_lock held, which is free in between: the method may take long. */
noinline void NAME(aio_run_iocb)(struct kiocb *iocb)
{
	struct kioctx *ctx = iocb->ki_ctx;
	bool cancelled = iocb->ki_flags & KIF_CANCELLED;
	long result = -EINTR;

	clear_bit(KIF_KICKED_BIT, &iocb->ki_flags);
	iocb->ki_run_list.prev = NULL;
	store_labelled(P0, iocb->ki_run_list.next, NULL);
	spin_unlock_irq(&ctx->ctx_lock);
	if (!cancelled)
		result = aio_try(iocb); /* P2 */
	if (result != -EIOCBRETRY) {
		if (result != -EIOCBQUEUED)
			aio_complete(iocb, result, 0);
		spin_lock_irq(&ctx->ctx_lock);
		return;
	}
	BEFORE_LOCK(iocb);
	spin_lock_irq(&ctx->ctx_lock); /* P5 */
	UNDER_LOCK(iocb);
	INIT_LIST_HEAD(&iocb->ki_run_list); /* P6 */
	if (load_labelled(P7, iocb->ki_flags) & KIF_KICKED && append(iocb, ctx))
		aio_queue_work(ctx);
}
