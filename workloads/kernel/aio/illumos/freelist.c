/*
 * The free list of requests, 2.4a, 2.4b and 1.5 below it, in the forms that the variants ask for.
 * The list is last in, first out: the request freed last is the one that the next submitter takes.
 * All of it under aio_mutex.
 *
 * As in core/slab.c, labels tell the trace whose a request is: RA, it is taken; RF, it is free;
 * RL, the list links it anew.
 */
#include "freelist.h"

#include "../../arch/probe.h"
#include "../../core/panic.h"

#define FIFO_MIN 8 /* idle requests that variant x4 keeps before it uses one again */

static struct aio_req *new_req(struct aio *aio)
{
	return aio->nr_reqs < AIO_REQS_MAX ? &aio->reqs[aio->nr_reqs++] : NULL;
}

/* Ascending, word by word: what is read meanwhile is zero up to some place and old beyond it. */
static noinline void req_bzero(struct aio_req *req)
{
	volatile u64 *word = (volatile u64 *)req;
	volatile u64 *length = &req->aio_req_iov.iov_len;
	volatile u64 *end = (volatile u64 *)(req + 1);

	while (word < length)
		*word++ = 0;
	store_labelled(2_4b, *word, 0);
	while (++word < end)
		*word = 0;
}

static struct aio_req *pop(struct aio *aio)
{
	struct aio_req *req = READ_ONCE(aio->aio_free), *next;

	if (!req)
		return new_req(aio);
	next = load_labelled(RA, req->aio_req_next);
	store_labelled(2_4a, aio->aio_free, next);
	return req;
}

static void next_generation(struct aio *aio, const struct aio_req *req)
{
	u32 *generation = &aio->generation[aio_req_number(aio, req)];

	WRITE_ONCE(*generation, *generation + 1);
}

static struct aio_req *taken(struct aio *aio, struct aio_req *req)
{
	if (req)
		next_generation(aio, req);
	return req;
}

noinline struct aio_req *aio_req_alloc(struct aio *aio)
{
	struct aio_req *req = taken(aio, pop(aio));

	if (req)
		req_bzero(req);
	return req;
}

noinline void aio_req_free(struct aio *aio, struct aio_req *req)
{
	next_generation(aio, req);
	WRITE_ONCE(req->aio_req_next, aio->aio_free);
	store_labelled(RF, req->aio_req_prev, NULL);
	store_labelled(1_5, aio->aio_free, req);
}

/* x4, wrong: first in, first out, and a few are kept idle. It only takes longer to come round. */
noinline struct aio_req *aio_req_alloc_fifo(struct aio *aio)
{
	struct aio_req *req = NULL, *next;

	if (aio->aio_free_count > FIFO_MIN || aio->nr_reqs == AIO_REQS_MAX) {
		req = READ_ONCE(aio->aio_free);
		if (req) {
			next = load_labelled(RA, req->aio_req_next);
			store_labelled(2_4a, aio->aio_free, next);
			aio->aio_free_count--;
		}
	}
	req = taken(aio, req ? req : new_req(aio));
	if (req)
		req_bzero(req);
	return req;
}

noinline void aio_req_free_fifo(struct aio *aio, struct aio_req *req)
{
	next_generation(aio, req);
	WRITE_ONCE(req->aio_req_next, NULL);
	store_labelled(RF, req->aio_req_prev, NULL);
	if (aio->aio_free)
		store_labelled(RL, aio->aio_free_last->aio_req_next, req);
	else
		WRITE_ONCE(aio->aio_free, req);
	aio->aio_free_last = req;
	aio->aio_free_count++;
}

/* x5, wrong: zeroed when it is freed, so that what 1.7 reads is always 0. */
noinline struct aio_req *aio_req_alloc_clean(struct aio *aio)
{
	struct aio_req *req = taken(aio, pop(aio));

	if (req)
		WRITE_ONCE(req->aio_req_next, NULL);
	return req;
}

noinline void aio_req_free_clean(struct aio *aio, struct aio_req *req)
{
	req_bzero(req);
	aio_req_free(aio, req);
}

/* x6, wrong: not zeroed at all; 2.4c, 2.5 set what they need, and 1.7 reads another's. */
noinline struct aio_req *aio_req_alloc_dirty(struct aio *aio)
{
	struct aio_req *req = taken(aio, pop(aio));

	if (req)
		WRITE_ONCE(req->aio_req_portkev, NULL);
	return req;
}
