/* Variant j: the state by a plain store, ring.tail read under ctx_lock, which the completer holds
 * from A0 to Z or longer. Right with every completer. */
#define VARIANT j
#define SET_STATE(queue, wait) store_labelled(1g, current->state, (u64)TASK_INTERRUPTIBLE)
#define READ_TAIL(ctx, ring) read_tail_locked(ctx, ring)

#include "../arch/probe.h"
#include "aio.h"

static __always_inline u32 read_tail_locked(struct kioctx *ctx, struct aio_ring *ring)
{
	u32 tail;

	spin_lock_irq(&ctx->ctx_lock);
	tail = load_labelled(2, ring->tail);
	spin_unlock_irq(&ctx->ctx_lock);
	return tail;
}

#include "read_events.h"
