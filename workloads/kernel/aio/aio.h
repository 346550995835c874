/*
 * Asynchronous I/O, the Linux 2.6.24 form: the objects and what they offer each other.
 *
 * struct kioctx by cache line. That `wait` and `ctx_lock` share line 0, and that the ring's
 * bookkeeping has a line of its own, decides which CPU waits for which line in the race of case
 * 001: keep the offsets.
 *
 *       0 | users | 4 dead | 8 mm | 16 user_id | 24 next
 *         | 32 wait.lock | 40 wait.task_list | 56 ctx_lock | 60 reqs_active
 *      64 | active_reqs | 80 run_list | 96 max_reqs
 *         | 104 ring_info: mmap_base | 112 mmap_size | 120 ring
 *     128 | ring_lock | 136 nr_pages | 144 nr | 148 tail | 152 ...
 */
#ifndef AIO_H
#define AIO_H

#include "../core/task.h"
#include "../core/timer.h"
#include "../core/wait.h"
#include "../core/workqueue.h"
#include "../fs/file.h"

/* What the user sees (io_setup(2), io_submit(2), io_getevents(2)). */
struct io_event {
	u64 data; /* the iocb's aio_data */
	u64 obj;  /* the iocb's address  */
	s64 res;
	s64 res2;
};

struct iocb {
	u64 aio_data;
	u32 aio_key;
	u32 aio_rw_flags;
	u16 aio_lio_opcode;
	s16 aio_reqprio;
	u32 aio_fildes;
	u64 aio_buf;
	u64 aio_nbytes;
	s64 aio_offset;
	u64 aio_reserved2;
	u32 aio_flags;
	u32 aio_resfd;
};

#define IOCB_CMD_PREAD 0
#define IOCB_CMD_PWRITE 1

/*
 * The ring, in pages that the user has mapped. The completer stores `tail`, the reaper `head`;
 * both are on one line together with the first event slot.
 *
 *     0 | id | 4 nr | 8 head | 12 tail | 16 magic | 20 features x2 | 28 header_length
 *    32 | io_event[nr]
 */
struct aio_ring {
	u32 id;
	u32 nr;
	u32 head;
	u32 tail;
	u32 magic;
	u32 compat_features;
	u32 incompat_features;
	u32 header_length;
	struct io_event io_events[];
};

#define AIO_RING_MAGIC 0xa10a10a1

struct aio_ring_info {
	u64 mmap_base;
	u64 mmap_size;
	struct aio_ring *ring; /* the kernel's view of the pages at mmap_base */
	spinlock_t ring_lock;  /* one reaper at a time */
	u64 nr_pages;
	u32 nr;
	u32 tail; /* the completer's own copy: users can write to the ring */
	void *internal_pages[8];
};

struct kioctx {
	atomic_t users;
	u32 dead;
	struct mm *mm;
	u64 user_id; /* aio_context_t: the ring's user address */
	struct kioctx *next;
	wait_queue_head_t wait;
	spinlock_t ctx_lock;
	u32 reqs_active;
	struct list_head active_reqs;
	struct list_head run_list;
	u64 max_reqs;
	struct aio_ring_info ring_info;
	struct delayed_work wq; /* runs run_list */
} __cacheline_aligned;

/* ki_flags, by locked instructions. */
#define KIF_KICKED_BIT 0
#define KIF_KICKED 1    /* to be tried again: it is on run_list, or goes there after this try */
#define KIF_CANCELLED_BIT 1
#define KIF_CANCELLED 2 /* io_cancel has reported it: there will be no event */

struct kiocb {
	/* On kioctx.run_list; or empty: it may be put there; or NULL: it is being run. */
	struct list_head ki_run_list;
	u64 ki_flags;
	int ki_users; /* guarded by ctx_lock: one for the I/O, one for the submitter */
	u32 ki_key;
	struct file *ki_filp;
	struct kioctx *ki_ctx;
	void (*ki_cancel)(struct kiocb *iocb); /* NULL: what it does cannot be given up */
	long (*ki_retry)(struct kiocb *iocb);
	u64 ki_obj; /* user address of the iocb */
	u64 ki_user_data;
	wait_queue_t ki_wait;		    /* entry in the queue of what it waits for */
	wait_queue_head_t *ki_wait_queue; /* that queue, and what of it */
	void *ki_wait_key;
	u64 ki_pos;
	u64 ki_buf;
	u64 ki_nbytes;
	u64 ki_done; /* bytes transferred by earlier tries */
	u32 ki_waits; /* this try has left ki_wait in a queue: it must end */
	struct list_head ki_list; /* on kioctx.active_reqs */
} __cacheline_aligned;

/* Reports the result: stores the event, drops the I/O's reference, wakes a reaper. True if that
 * was the last reference. One compiled copy per variant; the pointer is set once at boot. */
typedef bool (*aio_complete_t)(struct kiocb *iocb, s64 res, s64 res2);
extern aio_complete_t aio_complete;

/* The time limit of one io_getevents, on its stack. */
struct aio_timeout {
	struct timer timer;
	struct task *task;
	u64 ns;
	u32 limited, started, timed_out;
};

void aio_start_timeout(struct aio_timeout *to);

/* Waits for min_nr events and takes up to nr. Copies like aio_complete's. */
typedef long (*read_events_t)(struct kioctx *ctx, s64 min_nr, s64 nr,
			      struct io_event __user *events, struct aio_timeout *to);
extern read_events_t read_events;

/* Does a request hold its context, as in layout 9? */
extern bool aio_requests_hold_context;

/* Reads the boot parameters; the number of the completer. */
u32 aio_choose_variants(void);
u32 aio_init(void);
void exit_aio(struct mm *mm);

/* The context with its count raised, or NULL. */
struct kioctx *lookup_ioctx(u64 ctx_id);
void put_ioctx(struct kioctx *ctx);

/* Frees the kiocb and gives back what it held; under ctx_lock. */
void kiocb_release(struct kioctx *ctx, struct kiocb *req);
struct kiocb *aio_get_req(struct kioctx *ctx);
bool aio_put_req(struct kiocb *req);

/* One try of a request, and all that asked for another; under ctx_lock, which they drop. */
void aio_run_iocb(struct kiocb *iocb);
void __aio_run_iocbs(struct kioctx *ctx);
void aio_run_all_iocbs(struct kioctx *ctx);

/* Puts the running request's entry into a queue: true. False in a task that may sleep instead. */
bool aio_enqueue_wait(wait_queue_head_t *queue, void *key);
/* Takes it out again. False: it has been woken, and will be tried again. */
bool aio_dequeue_wait(void);
void aio_prepare_wait(struct kiocb *iocb);
void aio_init_work(struct kioctx *ctx);
void aio_cancel_all(struct kioctx *ctx);

extern struct kioctx *kioctxs[KIOCTX_MAX];

long sys_io_setup(u64 nr_events, u64 __user *ctxp);
long sys_io_destroy(u64 ctx_id);
long sys_io_submit(u64 ctx_id, s64 nr, u64 __user *iocbpp);
long sys_io_getevents(u64 ctx_id, s64 min_nr, s64 nr, struct io_event __user *events,
		      const s64 __user *timeout);
long sys_io_cancel(u64 ctx_id, struct iocb __user *user_iocb, struct io_event __user *result);

#endif
