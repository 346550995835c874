/* Reading a request's result, 1.7. */
#ifndef AIO_RESULT_H
#define AIO_RESULT_H

#include "illumos.h"

#define NOTHING() ((void)0)

/* 1.5 */
#define FREE() aio_req_free_port(aio, req)

/* 1.7, with a note whose the request was when it was read (I000a, I000b). */
#define COPYOUT()                                                                                  \
	do {                                                                                       \
		aio_copyout_result_port(iov, bp, resultp);                                         \
		aio_note_read(generation, READ_ONCE(aio->generation[number]));                     \
	} while (0)

/* The four fields of 1.7, taken while they are ours. */
#define TAKE_RESULT()                                                                              \
	struct iovec iov_copy = *iov;                                                              \
	struct buf bp_copy;                                                                        \
	bp_copy.b_flags = READ_ONCE(bp->b_flags);                                                  \
	bp_copy.b_error = READ_ONCE(bp->b_error);                                                  \
	bp_copy.b_resid = READ_ONCE(bp->b_resid);                                                  \
	aio_note_read(generation, READ_ONCE(aio->generation[number]))

#define COPYOUT_TAKEN() aio_copyout_result_port(&iov_copy, &bp_copy, resultp)

#define LOCKED_COPYOUT(mutex)                                                                      \
	do {                                                                                       \
		mutex_enter(mutex);                                                                \
		COPYOUT();                                                                         \
		mutex_exit(mutex);                                                                 \
	} while (0)
#define PORTQ_COPYOUT() LOCKED_COPYOUT(&aio->aio_portq_mutex)
#define AGAIN_COPYOUT() LOCKED_COPYOUT(&aio->aio_mutex)

#define FENCE_COPYOUT()                                                                            \
	do {                                                                                       \
		smp_mb();                                                                          \
		COPYOUT();                                                                         \
	} while (0)

#define COPYOUT_THEN_FREE()                                                                        \
	do {                                                                                       \
		COPYOUT();                                                                         \
		mutex_enter(&aio->aio_mutex);                                                      \
		FREE();                                                                            \
		mutex_exit(&aio->aio_mutex);                                                       \
	} while (0)

void aio_note_read(u32 generation, u32 now);
void aio_note_callback(u32 generation, u32 now);

#endif
