/*
 * Requests that cannot go on: their method says -EIOCBRETRY and has left the request's ki_wait in
 * the queue of what it waits for (a locked page). The wake-up takes the entry out, puts the request
 * on kioctx.run_list (kick.h), and a worker tries again, in the address space of the process.
 *
 * A method that says so is certain to be woken: it has queued the entry and looked again after a
 * full fence. The wake function comes with the queue's lock held and interrupts off, so the order
 * of locks is queue, ctx_lock.
 */
#include "retry.h"

#include "../arch/usercopy.h"
#include "../core/mm.h"
#include "../core/panic.h"
#include "../core/sched.h"
#include "../core/timer.h"
#include "../sys/errno.h"
#include "put_req.h"

/* Timer ticks of 2.6.24 with HZ 1000: soon if somebody waits, later if the reaper may come by and
 * run the list itself. */
#define SOON_NS 1000000
#define LATER_NS 100000000

static struct workqueue aio_wq;

u32 aio_warnings;

noinline void aio_warn(void)
{
	aio_warnings++;
}

/* The work holds the context from here to its end. */
noinline void aio_queue_work(struct kioctx *ctx)
{
	u64 ns;

	smp_mb(); /* the request is on the list before the look for a reaper */
	ns = list_empty(&ctx->wait.task_list) ? LATER_NS : SOON_NS;
	ns -= clock_ns() % SOON_NS; /* at a tick: the first one may be near */
	atomic_inc(&ctx->users);
	if (!queue_delayed_work(&aio_wq, &ctx->wq, ns))
		atomic_dec(&ctx->users); /* it is on its way; the caller has a reference too */
}

void aio_prepare_wait(struct kiocb *iocb)
{
	init_waitqueue_entry(&iocb->ki_wait, current);
	iocb->ki_wait.func = aio_kick->wake;
	INIT_LIST_HEAD(&iocb->ki_wait.task_list);
}

/* For io_cancel: as if it had been woken. The worker finds it cancelled. */
static void cancel_wait(struct kiocb *iocb)
{
	wait_queue_head_t *queue = iocb->ki_wait_queue;
	u64 flags = spin_lock_irqsave(&queue->lock);

	if (!list_empty(&iocb->ki_wait.task_list))
		iocb->ki_wait.func(&iocb->ki_wait, iocb->ki_wait_key);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* Interrupts are off: the queue's lock is held. */
static void hold(struct kiocb *iocb)
{
	spin_lock(&iocb->ki_ctx->ctx_lock);
	iocb->ki_users++;
	spin_unlock(&iocb->ki_ctx->ctx_lock);
}

bool aio_enqueue_wait(wait_queue_head_t *queue, void *key)
{
	struct kiocb *iocb = current->io_wait;
	u64 flags;

	if (!iocb)
		return false;
	flags = spin_lock_irqsave(&queue->lock);
	/* As prepare_to_wait() does: where variants try what still waits, it is in a queue already,
	 * and stays there. */
	if (list_empty(&iocb->ki_wait.task_list)) {
		if (aio_kick->holds)
			hold(iocb);
		iocb->ki_wait_queue = queue;
		store_labelled(Kw, iocb->ki_wait_key, key);
		list_add_tail(&iocb->ki_wait.task_list, &queue->task_list);
	}
	WRITE_ONCE(iocb->ki_cancel, cancel_wait);
	spin_unlock_irqrestore(&queue->lock, flags);
	iocb->ki_waits = 1;
	smp_mb(); /* the entry is visible before the caller looks again */
	return true;
}

bool aio_dequeue_wait(void)
{
	struct kiocb *iocb = current->io_wait;
	u64 flags = spin_lock_irqsave(&iocb->ki_wait_queue->lock);
	bool linked = !list_empty(&iocb->ki_wait.task_list);

	list_del_init(&iocb->ki_wait.task_list);
	spin_unlock_irqrestore(&iocb->ki_wait_queue->lock, flags);
	iocb->ki_waits = !linked;
	if (linked)
		store_labelled(Kd, iocb->ki_cancel, NULL);
	if (linked && aio_kick->holds)
		aio_put_req(iocb);
	return linked;
}

long aio_try(struct kiocb *iocb)
{
	long result;

	iocb->ki_waits = 0;
	/* Only what waits can be given up: a try may end it, and its event come. Visible before
	 * aio_complete() has ctx_lock. */
	WRITE_ONCE(iocb->ki_cancel, NULL);
	current->io_wait = iocb;
	result = iocb->ki_retry(iocb);
	current->io_wait = NULL;
	return result;
}

void aio_run_iocb(struct kiocb *iocb)
{
	aio_kick->run(iocb);
}

/* Those that asked to be tried again. Each is held while it runs, because it may complete. */
void __aio_run_iocbs(struct kioctx *ctx)
{
	ASSERT_SPIN_LOCKED(&ctx->ctx_lock);
	while (!list_empty(&ctx->run_list)) {
		struct kiocb *iocb = list_first_entry(&ctx->run_list, struct kiocb, ki_run_list);

		list_del(&iocb->ki_run_list);
		iocb->ki_users++;
		aio_run_iocb(iocb);
		if (__aio_put_req(ctx, iocb) && aio_requests_hold_context)
			put_ioctx(ctx);
	}
}

void aio_run_all_iocbs(struct kioctx *ctx)
{
	spin_lock_irq(&ctx->ctx_lock);
	__aio_run_iocbs(ctx);
	spin_unlock_irq(&ctx->ctx_lock);
}

static void aio_kick_handler(void *data)
{
	struct kioctx *ctx = data;

	use_mm(ctx->mm);
	aio_run_all_iocbs(ctx);
	unuse_mm();
	put_ioctx(ctx);
}

void aio_init_work(struct kioctx *ctx)
{
	init_delayed_work(&ctx->wq, aio_kick_handler, ctx);
}

u32 aio_init(void)
{
	workqueue_init(&aio_wq, "aio");
	aio_choose_kick();
	return aio_choose_variants();
}

/* ---- Giving up ---- */

/* Under ctx_lock, which it drops. The request stays, because it is held. False: it cannot be given
 * up, or has been. */
static bool cancel(struct kioctx *ctx, struct kiocb *iocb)
{
	void (*method)(struct kiocb *) = READ_ONCE(iocb->ki_cancel);

	if (!method || iocb->ki_flags & KIF_CANCELLED)
		return false;
	set_bit(KIF_CANCELLED_BIT, &iocb->ki_flags);
	iocb->ki_users++;
	spin_unlock_irq(&ctx->ctx_lock);
	method(iocb);
	aio_put_req(iocb);
	spin_lock_irq(&ctx->ctx_lock);
	return true;
}

/* What can be given up, when the context dies. */
void aio_cancel_all(struct kioctx *ctx)
{
	struct list_head *at;

	spin_lock_irq(&ctx->ctx_lock);
	for (at = ctx->active_reqs.next; at != &ctx->active_reqs;) {
		struct kiocb *iocb = list_entry(at, struct kiocb, ki_list);

		/* The list may be another one afterwards. */
		at = cancel(ctx, iocb) ? ctx->active_reqs.next : at->next;
	}
	spin_unlock_irq(&ctx->ctx_lock);
}

/* Its event goes to *result, and not into the ring. */
static long cancel_one(struct kioctx *ctx, u64 user_iocb, struct io_event *event)
{
	struct list_head *at;
	long result = -EINVAL;

	spin_lock_irq(&ctx->ctx_lock);
	for (at = ctx->active_reqs.next; at != &ctx->active_reqs; at = at->next) {
		struct kiocb *iocb = list_entry(at, struct kiocb, ki_list);

		if (iocb->ki_obj != user_iocb)
			continue;
		*event = (struct io_event){ iocb->ki_user_data, user_iocb, -EINTR, 0 };
		result = cancel(ctx, iocb) ? 0 : -EAGAIN;
		break;
	}
	spin_unlock_irq(&ctx->ctx_lock);
	return result;
}

long sys_io_cancel(u64 ctx_id, struct iocb __user *user_iocb, struct io_event __user *user_event)
{
	struct kioctx *ctx = lookup_ioctx(ctx_id);
	struct io_event event;
	long result;

	if (!ctx)
		return -EINVAL;
	result = cancel_one(ctx, (u64)user_iocb, &event);
	if (!result)
		result = copy_to_user(user_event, &event, sizeof(event));
	put_ioctx(ctx);
	return result;
}
