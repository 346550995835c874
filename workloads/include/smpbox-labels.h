/*
 * The names of the marks: one list for labels (the next memory access of this CPU) and one for
 * points (this place of the program). The ids are part of the images, so a number is never used
 * twice. A program of yours adds names by defining SMPBOX_USER_LABELS(X) or SMPBOX_USER_POINTS(X)
 * before it includes smpbox.h; take ids from 256 up.
 */
#ifndef SMPBOX_LABELS_H
#define SMPBOX_LABELS_H

/* The steps of aio_complete() and read_events(); the letters are those of
 * workloads/kernel/README.md. */
#define SMPBOX_LABELS(X)                                                                    \
	X(A1, 1) /* aio_complete: first store into the event slot */                        \
	X(A2, 2) /* aio_complete: store ring_info.tail */                                   \
	X(A3, 3) /* aio_complete: store ring.tail, which the reaper reads */                \
	X(P, 4)  /* __aio_put_req: store ki_users */                                        \
	X(B, 5)  /* aio_complete: load wait.task_list.next: is anybody waiting? */          \
	X(1e, 6) /* add_wait_queue_exclusive: store wait.task_list.next */                  \
	X(1g, 7) /* read_events: xchg task.state, a full fence */                           \
	X(2, 8)  /* aio_read_evt: load ring.tail: is there an event? */                     \
	/* Direct I/O, workloads/kernel/fs/dio: count.h (S, D, f) and refcount.h (W, E). */ \
	X(S1, 32) /* a new request: store result = 0 */                                     \
	X(S3, 33) /* load and store result: what is under way */                            \
	X(S5, 34) /* load result: is it less than the size? */                              \
	X(S6, 35) /* load result: what the submitter returns */                             \
	X(D1, 36) /* a bio has failed: store the error */                                   \
	X(f1, 37) /* load result: what the completion reports */                            \
	X(f2, 38) /* load io_error */                                                       \
	X(f4, 39) /* load result: is the completion to report? */                           \
	X(Df, 40) /* the request is about to be freed */                                    \
	X(W4, 41) /* load refcount: is there something to wait for? */                      \
	X(W5, 42) /* store task.state */                                                    \
	X(W6, 43) /* load refcount again */                                                 \
	X(W7, 44) /* store waiter */                                                        \
	X(W11, 45) /* load is_async after the last reference is given up */                 \
	X(E1, 46) /* load waiter: is anybody waiting? */                                    \
	X(E2, 47) /* drop a bio's reference */                                              \
	X(E3, 48) /* load waiter: who is to be woken */                                     \
	/* A wake-up and a try of a request, workloads/kernel/aio/kick.h. */                \
	X(Q1, 64) /* wake function: take ki_wait out of its queue */                        \
	X(Q3, 65) /* wake function: mark the request */                                     \
	X(Q4, 66) /* wake function: load ki_wait: is it in a queue? */                      \
	X(Q6, 67) /* load ki_run_list: may it be put on run_list? */                        \
	X(P0, 68) /* a try begins: store ki_run_list = NULL */                              \
	X(P3, 69) /* it has to wait: load ki_wait: is it in a queue? */                     \
	X(P4, 70) /* it is in none: mark the request */                                     \
	X(P7, 71) /* load ki_flags: has it been marked meanwhile? */                        \
	X(K0, 72) /* a new request: store ki_users = 2 */                                   \
	X(Kf, 73) /* the request is about to be freed */                                    \
	X(Kw, 74) /* ki_wait is put into a queue: store ki_wait_key */                      \
	X(Kd, 75) /* it was taken out by who put it there: store ki_cancel = NULL */        \
	/* The slab, workloads/kernel/core/slab.c: the word that links a free object. */    \
	X(SA, 80) /* kmem_cache_alloc: load it: the object is somebody's */                 \
	X(SF, 81) /* kmem_cache_free: store it: the object is free */                       \
	X(SL, 82) /* free objects go from one list to another */                            \
	/* The free list of requests, workloads/kernel/aio/illumos/freelist.c. */           \
	X(RA, 83) /* load aio_req_next: the request is somebody's */                        \
	X(RF, 84) /* store aio_req_prev: the request is free */                             \
	X(RL, 85) /* the last one of the list gets a successor: store its aio_req_next */   \
	/* Case 000, the steps of aio_req_alloc() to aio_copyout_result_port(). */          \
	X(1_3, 15)  /* aio_port_callback: store aio_req_portkev = NULL */                   \
	X(1_5, 9)   /* aio_req_free_port: store aio_free: the request is anybody's */       \
	X(1_7f, 10) /* aio_copyout_result_port: load b_flags */                             \
	X(1_7l, 11) /* aio_copyout_result_port: load iov_len */                             \
	X(2_4a, 12) /* aio_req_alloc: store aio_free: the request is taken */               \
	X(2_4b, 13) /* aio_req_alloc: bzero reaches iov_len */                              \
	X(2_5, 14)  /* aiorw: store iov_len */

#define SMPBOX_POINTS(X)                                                                    \
	X(SLEEP, 1)  /* read_events found nothing and is about to call schedule() */        \
	X(WAKE, 2)   /* try_to_wake_up made a sleeping task runnable */                     \
	X(ROUND, 3)  /* w001: the submitter begins a round */                               \
	X(ACK, 4)    /* w001: the reaper acknowledges a round */                            \
	X(GIVEUP, 5) /* w001: the submitter waited in vain for that */                      \
	X(REAP, 6)   /* w001: the reaper calls io_getevents */                              \
	X(SLOW, 7)   /* mutex_exit: somebody is blocked, and has to be woken */             \
	X(PINNED, 8) /* an interrupt thread takes the CPU from a task in the kernel */

#ifndef SMPBOX_USER_LABELS
#define SMPBOX_USER_LABELS(X)
#endif
#ifndef SMPBOX_USER_POINTS
#define SMPBOX_USER_POINTS(X)
#endif

#define SMPBOX_LABEL_ENUM(name, id) SMPBOX_LABEL_##name = id,
#define SMPBOX_POINT_ENUM(name, id) SMPBOX_POINT_##name = id,

enum smpbox_label { SMPBOX_LABELS(SMPBOX_LABEL_ENUM) SMPBOX_USER_LABELS(SMPBOX_LABEL_ENUM) };
enum smpbox_point { SMPBOX_POINTS(SMPBOX_POINT_ENUM) SMPBOX_USER_POINTS(SMPBOX_POINT_ENUM) };

#endif
