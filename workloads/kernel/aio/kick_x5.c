/* Fences after Q1 and Q3. */
#define VARIANT x5
#define KICK(iocb, wait, ctx) kick_fenced(iocb, wait, ctx)
#include "aio.h"

static __always_inline bool kick_fenced(struct kiocb *iocb, wait_queue_t *wait,
					struct kioctx **ctx);

#include "kick.h"

static __always_inline bool kick_fenced(struct kiocb *iocb, wait_queue_t *wait,
					struct kioctx **ctx)
{
	bool run;
	u64 flags;

	unlink_wait(wait);
	smp_mb();
	if (try_kick(iocb))
		return false;
	smp_mb();
	*ctx = READ_ONCE(iocb->ki_ctx);
	check_unqueued(iocb);
	flags = spin_lock_irqsave(&(*ctx)->ctx_lock);
	run = append(iocb, *ctx);
	spin_unlock_irqrestore(&(*ctx)->ctx_lock, flags);
	return run;
}
