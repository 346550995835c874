/* A request's end: in the interrupt thread of the CPU that took the disk's interrupt. */
#include "illumos.h"

#include "../../core/panic.h"
#include "../../fs/file.h"

/* 1.1a to 1.2. */
void aio_done(struct ithread_work *work)
{
	struct buf *bp = container_of((u64(*)[12])work, struct buf, b_shadow);
	struct aio_req *req = container_of(bp, struct aio_req, aio_req_buf);
	struct aio *aio = aio_of(bp->b_proc);
	struct port_kevent *event;

	mutex_enter(&aio->aio_portq_mutex);
	mutex_enter(&aio->aio_mutex);
	aio->aio_pending--;
	WRITE_ONCE(req->aio_req_flags, req->aio_req_flags & ~AIO_PENDING);
	event = req->aio_req_portkev;
	if (event) {
		aio_dequeue(&aio->aio_portpending, req);
		aio_enqueue(&aio->aio_portq, req);
	} else {
		aio_enqueue(&aio->aio_doneq, req);
	}
	cv_signal(&aio->aio_waitcv);
	mutex_exit(&aio->aio_mutex);
	mutex_exit(&aio->aio_portq_mutex);
	if (event)
		port_send_event((struct port *)req->aio_req_port, event);
}

/* The user's pages are unlocked: there is nothing to do for that here but the flags. */
void aphysio_unlock(struct aio_req *req)
{
	struct buf *bp = &req->aio_req_buf;

	WRITE_ONCE(bp->b_flags, (bp->b_flags & ~B_BUSY) | B_DONE);
	fput((struct file *)req->aio_req_iocb);
}
