/* Q1, and P3 and P4, each under ctx_lock; Q3 is not. */
#define VARIANT x3
#define KICK(iocb, wait, ctx) (unlink_locked(iocb, wait), kick_unlocked(iocb, ctx))
#define BEFORE_LOCK(iocb) ((void)0)
#define UNDER_LOCK(iocb) mark_if_unqueued(iocb)
#include "aio.h"

static __always_inline void unlink_locked(struct kiocb *iocb, wait_queue_t *wait);

#include "kick.h"

static __always_inline void unlink_locked(struct kiocb *iocb, wait_queue_t *wait)
{
	struct kioctx *ctx = READ_ONCE(iocb->ki_ctx);
	u64 flags = spin_lock_irqsave(&ctx->ctx_lock);

	unlink_wait(wait);
	spin_unlock_irqrestore(&ctx->ctx_lock, flags);
}
