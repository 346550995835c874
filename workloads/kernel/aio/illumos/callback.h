/*
 * aio_port_callback(), the template of its variants: 1.3 to 1.7. A variant's file defines the
 * function's name, AIO_PORT_CALLBACK, and what stands at five places, and includes this:
 *
 *     AIO_BEFORE_MUTEX()  AIO_BEFORE_FREE()  AIO_FREE()  AIO_AFTER_FREE()  AIO_AFTER_MUTEX()
 *
 * In the code as it was, the result is read after the request went on the free list and the mutex
 * was dropped:
 *
 *     reaper     1.5 free, 1.6 mutex_exit (slow: somebody is blocked)        1.7 iov_len = 0
 *     submitter                    2.3 mutex_enter, 2.4a takes it, 2.4b bzero
 *
 * No store buffer is needed for that and no fence helps.
 */
#include "../../arch/probe.h"
#include "result.h"

noinline int AIO_PORT_CALLBACK(struct aio *aio, struct aio_req *req)
{
	struct aio_result __user *resultp;
	struct iovec *iov;
	struct buf *bp;
	u32 number = aio_req_number(aio, req);
	u32 generation = READ_ONCE(aio->generation[number]);

	/* 1.3 */
	mutex_enter(&aio->aio_portq_mutex);
	store_labelled(1_3, req->aio_req_portkev, NULL);
	aio_dequeue(&aio->aio_portq, req);
	mutex_exit(&aio->aio_portq_mutex);
	aphysio_unlock(req);

	/* 1.4: the addresses of two fields, the value of the third. */
	iov = &req->aio_req_iov;
	bp = &req->aio_req_buf;
	resultp = READ_ONCE(req->aio_req_resultp);
	AIO_BEFORE_MUTEX();
	mutex_enter(&aio->aio_mutex);
	AIO_BEFORE_FREE();
	AIO_FREE(); /* 1.5 */
	AIO_AFTER_FREE();
	mutex_exit(&aio->aio_mutex); /* 1.6 */
	AIO_AFTER_MUTEX();
	aio_note_callback(generation, READ_ONCE(aio->generation[number]));
	return 0;
}
