/* A process's aio_t, the variants, and the way to a result without a port. */
#include "illumos.h"

#include "../../arch/probe.h"
#include "../../arch/usercopy.h"
#include "../../core/page.h"
#include "../../core/panic.h"
#include "../../core/slab.h"
#include "../../core/string.h"
#include "../../sys/errno.h"
#include "freelist.h"

int aio_port_callback__bug(struct aio *aio, struct aio_req *req);
int aio_port_callback__f0(struct aio *aio, struct aio_req *req);
int aio_port_callback__f1(struct aio *aio, struct aio_req *req);
int aio_port_callback__f2(struct aio *aio, struct aio_req *req);
int aio_port_callback__f3(struct aio *aio, struct aio_req *req);
int aio_port_callback__x1(struct aio *aio, struct aio_req *req);
int aio_port_callback__x2(struct aio *aio, struct aio_req *req);
int aio_port_callback__x3(struct aio *aio, struct aio_req *req);

#define LIFO aio_req_alloc, aio_req_free

static const struct aio_variant variants[] = {
	{ "bug", LIFO, aio_port_callback__bug },
	{ "f0", LIFO, aio_port_callback__f0 },
	{ "f1", LIFO, aio_port_callback__f1 },
	{ "f2", LIFO, aio_port_callback__f2 },
	{ "f3", LIFO, aio_port_callback__f3 },
	{ "x1", LIFO, aio_port_callback__x1 },
	{ "x2", LIFO, aio_port_callback__x2 },
	{ "x3", LIFO, aio_port_callback__x3 },
	{ "x4", aio_req_alloc_fifo, aio_req_free_fifo, aio_port_callback__bug },
	{ "x5", aio_req_alloc_clean, aio_req_free_clean, aio_port_callback__bug },
	{ "x6", aio_req_alloc_dirty, aio_req_free, aio_port_callback__bug },
};

const struct aio_variant *aio_variant;

void illumos_init(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(variants); i++) {
		if (strcmp(variants[i].name, name) == 0)
			aio_variant = &variants[i];
	}
	if (!aio_variant)
		panic("v000=%s: bug, f0 to f3 or x1 to x6", name);
}

/* Made at the first use, once: the loser of the exchange gives its pages back. */
struct aio *aio_of(struct process *process)
{
	struct aio *aio = READ_ONCE(process->aio);
	u32 pages = PAGE_ALIGN(sizeof(*aio)) / PAGE_SIZE;
	u32 reqs_pages = AIO_REQS_MAX * sizeof(*aio->reqs) / PAGE_SIZE;

	if (aio)
		return aio;
	aio = page_alloc(pages);
	aio->reqs = page_alloc(reqs_pages);
	mutex_init(&aio->aio_mutex);
	mutex_init(&aio->aio_portq_mutex);
	cv_init(&aio->aio_waitcv);
	if (cmpxchg(&process->aio, NULL, aio)) {
		page_free(aio->reqs, reqs_pages);
		page_free(aio, pages);
	}
	return READ_ONCE(process->aio);
}

/* After the loads of 1.7: whose was the request, if it was our own at `generation`? */
void aio_note_read(u32 generation, u32 now)
{
	struct smpbox_counters *counters = &this_cpu()->counters;

	if (now != generation)
		counters->reads_freed++;
	if (now - generation > 1)
		counters->reads_taken++;
}

/* The callback returns: has somebody taken the request that it freed? */
void aio_note_callback(u32 generation, u32 now)
{
	struct smpbox_counters *counters = &this_cpu()->counters;

	counters->callbacks++;
	if (now - generation > 1)
		counters->taken_early++;
}

/* 1.7: four loads of the request, two stores to the user's result. */
noinline void aio_copyout_result_port(const struct iovec *iov, const struct buf *bp,
				      struct aio_result __user *resultp)
{
	s64 result = -1;
	s32 error = 0;

	if (load_labelled(1_7f, bp->b_flags) & B_ERROR) {
		error = READ_ONCE(bp->b_error);
	} else {
		u64 length = load_labelled(1_7l, iov->iov_len);

		result = length - READ_ONCE(bp->b_resid);
	}
	/* A bad address is the user's loss. */
	if (copy_to_user(&resultp->aio_return, &result, sizeof(result)))
		return;
	(void)copy_to_user(&resultp->aio_errno, &error, sizeof(error));
}

/*
 * aiowait(): the next finished request that has no port, or EINTR. Its result is copied out before
 * it is freed, under the mutex: this path never had the bug.
 */
long sys_aiowait(u64 user_resultp)
{
	struct aio *aio = aio_of(current->process);
	struct aio_result *resultp;
	struct aio_req *req;
	bool interrupted = false;

	mutex_enter(&aio->aio_mutex);
	while (!aio->aio_doneq && !interrupted)
		interrupted = !cv_wait(&aio->aio_waitcv, &aio->aio_mutex);
	if (!aio->aio_doneq) {
		mutex_exit(&aio->aio_mutex);
		return -EINTR;
	}
	req = aio->aio_doneq;
	aio_dequeue(&aio->aio_doneq, req);
	resultp = req->aio_req_resultp;
	aphysio_unlock(req);
	aio_copyout_result_port(&req->aio_req_iov, &req->aio_req_buf, resultp);
	aio_req_free_port(aio, req);
	mutex_exit(&aio->aio_mutex);
	return copy_to_user((void *)user_resultp, &resultp, sizeof(resultp));
}
