/* The lists on which a process's requests wait, and the hash that finds a result's request. */
#include "illumos.h"

#include "../../core/panic.h"
#include "../../core/slab.h"
#include "../../core/string.h"

/* Doubly linked rings through next and prev; the head names the oldest. */
void aio_enqueue(struct aio_req **queue, struct aio_req *req)
{
	struct aio_req *head = *queue;

	if (!head) {
		req->aio_req_next = req->aio_req_prev = req;
		*queue = req;
		return;
	}
	req->aio_req_next = head;
	req->aio_req_prev = head->aio_req_prev;
	head->aio_req_prev->aio_req_next = req;
	head->aio_req_prev = req;
}

void aio_dequeue(struct aio_req **queue, struct aio_req *req)
{
	BUG_ON(!*queue);
	if (req->aio_req_next == req) {
		*queue = NULL;
		return;
	}
	req->aio_req_prev->aio_req_next = req->aio_req_next;
	req->aio_req_next->aio_req_prev = req->aio_req_prev;
	if (*queue == req)
		*queue = req->aio_req_next;
}

static struct aio_req **bucket_of(struct aio *aio, const struct aio_result *resultp)
{
	return &aio->aio_hash[(u64)resultp >> 3 & (AIO_HASHSZ - 1)];
}

/* False: the result has a request already. */
bool aio_hash_insert(struct aio *aio, struct aio_req *req)
{
	struct aio_req **bucket = bucket_of(aio, req->aio_req_resultp);

	for (struct aio_req *at = *bucket; at; at = at->aio_hash_next) {
		if (at->aio_req_resultp == req->aio_req_resultp)
			return false;
	}
	req->aio_hash_next = *bucket;
	*bucket = req;
	return true;
}

void aio_hash_delete(struct aio *aio, struct aio_req *req)
{
	struct aio_req **at = bucket_of(aio, req->aio_req_resultp);

	while (*at != req) {
		BUG_ON(!*at);
		at = &(*at)->aio_hash_next;
	}
	*at = req->aio_hash_next;
}

u32 aio_req_number(const struct aio *aio, const struct aio_req *req)
{
	return req - aio->reqs;
}

/* 1.5, with aio_mutex held: how the request goes on the free list is the variant's. */
void aio_req_free_port(struct aio *aio, struct aio_req *req)
{
	BUG_ON(!mutex_owned(&aio->aio_mutex));
	aio->aio_outstanding--;
	aio_hash_delete(aio, req);
	aio_variant->free(aio, req);
}
