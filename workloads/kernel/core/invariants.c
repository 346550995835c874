/* The reaper notes what it sleeps for (note_sleep), and holds its context while it does. */
#include "invariants.h"

#include "../aio/aio.h"

bool sleeps_beside_event(const struct task *task)
{
	const struct sleep_reason *sleep = &task->sleep;
	const struct kioctx *ctx = (const struct kioctx *)sleep->object;
	const struct aio_ring *ring;

	if (sleep->kind != SMPBOX_SLEEP_AIO || task->on_rq || sleep->i >= sleep->min_nr)
		return false;
	ring = ctx->ring_info.ring;
	return READ_ONCE(ring->head) != READ_ONCE(ring->tail);
}
