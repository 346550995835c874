/*
 * aio_complete(), the template of its variants. A variant's file defines VARIANT, and of the hooks
 * below those in which it differs from k0, and includes this. There is no branch on the variant:
 * each is a copy of its own, chosen once at boot.
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

#ifndef BEFORE_TAIL /* between the event and its announcement */
#define BEFORE_TAIL() barrier()
#endif
#ifndef STORE_TAIL /* A2 and A3 */
#define STORE_TAIL()                                                                               \
	do {                                                                                       \
		store_labelled(A2, info->tail, tail);                                              \
		store_labelled(A3, ring->tail, tail);                                              \
	} while (0)
#endif
#ifndef BETWEEN /* between the put and B */
#define BETWEEN() barrier()
#endif
#ifndef CHECK_AND_WAKE /* B, and C if somebody waits; its value is what B read */
#define CHECK_AND_WAKE() check(ctx)
#endif
#ifndef AFTER_CHECK
#define AFTER_CHECK() barrier()
#endif

static __always_inline struct list_head *check(struct kioctx *ctx)
{
	struct list_head *first = load_labelled(B, ctx->wait.task_list.next);

	if (first != &ctx->wait.task_list)
		wake_up(&ctx->wait);
	return first;
}

/* The same under the lock that the reaper takes to insert itself. */
static __always_inline struct list_head *check_locked(struct kioctx *ctx)
{
	u64 flags = spin_lock_irqsave(&ctx->wait.lock);
	struct list_head *first = load_labelled(B, ctx->wait.task_list.next);

	if (first != &ctx->wait.task_list)
		wake_up_locked(&ctx->wait, NULL);
	spin_unlock_irqrestore(&ctx->wait.lock, flags);
	return first;
}

#define PASTE(a, b) a##b
#define NAME(variant, copy) PASTE(aio_complete__##variant, copy)
#define EXPAND(variant, copy) NAME(variant, copy)
#define RELEASE_MOV(lock, flags) spin_unlock_irqrestore(lock, flags)
#define RELEASE_XCHG(lock, flags) (spin_unlock_xchg(lock), irq_restore(flags))

/* Layout 24: the look is inside ctx_lock, as in 2.6.24. Layout 9: after its release, as in 2.6.9.
 *  */
#ifndef ONLY_LAYOUT_9_XCHG
#define LAYOUT 24
#define AIO_COMPLETE EXPAND(VARIANT, _24)
#define RELEASE RELEASE_MOV
#include "complete-body.h"

#define LAYOUT 24
#define AIO_COMPLETE EXPAND(VARIANT, _24_xchg)
#define RELEASE RELEASE_XCHG
#include "complete-body.h"

#define LAYOUT 9
#define AIO_COMPLETE EXPAND(VARIANT, _9)
#define RELEASE RELEASE_MOV
#include "complete-body.h"
#endif

#define LAYOUT 9
#define AIO_COMPLETE EXPAND(VARIANT, _9_xchg)
#define RELEASE RELEASE_XCHG
#include "complete-body.h"
