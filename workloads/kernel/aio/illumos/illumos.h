/*
 * Asynchronous I/O, the illumos form: a process's aio_t, its requests, event ports. Names and paths
 * are those of usr/src/uts/common/os/aio.c as the bug report of case 000 describes them; the code
 * is our own.
 *
 * struct aio_req is zeroed whole, in ascending order, when it is taken from the free list: the
 * order of its fields decides when each of them is lost. Those that nothing here uses (fd, cancel,
 * lio, sigq) are there for that.
 */
#ifndef ILLUMOS_H
#define ILLUMOS_H

#include "../../block/bio.h"
#include "../../core/ithread.h"
#include "../../core/mutex.h"

/* aio_req_flags */
#define AIO_PENDING 2

/* b_flags */
#define B_BUSY 1
#define B_DONE 2
#define B_ERROR 4
#define B_READ 64

#define AIO_HASHSZ 64
#define AIO_REQS_MAX 256
#define PORTS_MAX 64

/* What the user's aiocb has: aio_errno is EINPROGRESS until the result is there. */
struct aio_result {
	s64 aio_return;
	s32 aio_errno;
	u32 pad;
};

struct iovec {
	u64 iov_base;
	u64 iov_len;
};

struct uio {
	struct iovec *uio_iov;
	u64 uio_iovcnt;
	u64 uio_loffset;
};

struct buf {
	u32 b_flags;
	s32 b_error;
	u64 b_resid;
	u64 b_bcount;
	struct process *b_proc;
	struct buf *b_forw, *b_back;
	u64 b_blkno;
	u64 b_shadow[12]; /* what a driver keeps here */
};

struct port_kevent;

struct aio_req {
	struct {
		struct uio *aio_uio;
		void *aio_private;
	} aio_req;
	u64 aio_req_fd;
	u32 aio_req_flags;
	u32 aio_req_pad;
	struct aio_result *aio_req_resultp; /* user address */
	int (*aio_req_cancel)(struct aio_req *req);
	struct aio_req *aio_req_next, *aio_req_prev;
	struct aio_req *aio_hash_next;
	void *aio_req_lio;
	struct uio aio_req_uio;
	struct iovec aio_req_iov;
	struct buf aio_req_buf;
	u64 aio_req_sigq[12];
	u64 aio_req_iocb;
	struct port_kevent *aio_req_portkev;
	u64 aio_req_port;
} __cacheline_aligned;

_Static_assert(sizeof(struct aio_req) >= 448 && sizeof(struct aio_req) <= 512, "7 or 8 lines");

/* A request's generation goes up when it is taken and when it is freed, both under aio_mutex. It is
 * kept outside the request: zeroing does not reach it. */
struct aio {
	u32 aio_pending, aio_outstanding;
	struct aio_req *aio_portq;	  /* done, not yet reaped */
	struct aio_req *aio_portpending;  /* at the disk */
	struct aio_req *aio_free;	  /* idle requests, the last one in first */
	struct aio_req *aio_free_last;	  /* variant x4: its other end */
	u32 aio_free_count;
	struct aio_req *aio_doneq;	  /* done, without a port */
	kmutex_t aio_mutex __cacheline_aligned;
	kcondvar_t aio_waitcv;
	kmutex_t aio_portq_mutex __cacheline_aligned;
	struct aio_req *aio_hash[AIO_HASHSZ];
	struct aio_req *reqs;
	u32 nr_reqs;
	u32 generation[AIO_REQS_MAX];
};

struct port_kevent {
	struct list_head portkev_list;
	u64 portkev_object, portkev_user;
	int (*portkev_callback)(struct aio *aio, struct aio_req *req);
	struct aio_req *portkev_arg;
	u32 portkev_flags;
};

#define PORT_KEV_DONEQ 1

struct port {
	kmutex_t portq_mutex;
	struct list_head portq_list;
	u32 portq_nent;
	kcondvar_t portq_cv; /* wakes one of those who wait */
	struct process *port_process; /* whose it is: nobody else gets its events */
};

/* Steps of case 000's variants: chosen once at boot. */
struct aio_variant {
	const char *name;
	struct aio_req *(*alloc)(struct aio *aio);			   /* 2.4a, 2.4b */
	void (*free)(struct aio *aio, struct aio_req *req);		   /* 1.5 */
	int (*port_callback)(struct aio *aio, struct aio_req *req);	   /* 1.3 to 1.7 */
};

extern const struct aio_variant *aio_variant;

void illumos_init(const char *variant);
struct aio *aio_of(struct process *process);
u32 aio_req_number(const struct aio *aio, const struct aio_req *req);

/* queues.c: the lists of requests; the mutexes named there are held. */
void aio_enqueue(struct aio_req **queue, struct aio_req *req);
void aio_dequeue(struct aio_req **queue, struct aio_req *req);
bool aio_hash_insert(struct aio *aio, struct aio_req *req);
void aio_hash_delete(struct aio *aio, struct aio_req *req);
void aio_req_free_port(struct aio *aio, struct aio_req *req);

void aio_copyout_result_port(const struct iovec *iov, const struct buf *bp,
			     struct aio_result __user *resultp);
void aphysio_unlock(struct aio_req *req);
void aio_done(struct ithread_work *work);

/* NULL: there is none, or it is another process's. */
struct port *port_of(u64 number);
void port_kevent_free(struct port_kevent *event);
void port_send_event(struct port *port, struct port_kevent *event);

long sys_aiorw(u32 write, u64 fd, u64 buffer, u64 bytes, u64 offset, u64 args);
long sys_port_create(void);
long sys_port_getn(u64 port, u64 events, u64 max, u64 wanted);
long sys_aiowait(u64 resultp);

#endif
