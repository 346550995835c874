/* A reference to the request from when it is queued until the wake function is done with it. */
#define VARIANT x6
#define TOOK_ENTRY(iocb, ctx) put_entry(iocb)
#include "aio.h"

static __always_inline void put_entry(struct kiocb *iocb);

#include "kick.h"

/* Interrupts are off, and stay so. */
static __always_inline void put_entry(struct kiocb *iocb)
{
	struct kioctx *ctx = iocb->ki_ctx;
	u64 flags = spin_lock_irqsave(&ctx->ctx_lock);

	__aio_put_req(ctx, iocb);
	spin_unlock_irqrestore(&ctx->ctx_lock, flags);
}
