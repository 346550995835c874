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
#include "../core/wait.h"
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
} __cacheline_aligned;

struct kiocb {
	struct list_head ki_run_list; /* on kioctx.run_list when it is to be tried again */
	u64 ki_flags;
	int ki_users; /* guarded by ctx_lock: one for the I/O, one for the submitter */
	u32 ki_key;
	struct file *ki_filp;
	struct kioctx *ki_ctx;
	int (*ki_cancel)(struct kiocb *iocb);
	long (*ki_retry)(struct kiocb *iocb);
	u64 ki_obj; /* user address of the iocb */
	u64 ki_user_data;
	wait_queue_t ki_wait;
	u64 ki_pos;
	u64 ki_buf;
	u64 ki_nbytes;
	struct list_head ki_list; /* on kioctx.active_reqs */
} __cacheline_aligned;

/* Reports the result: stores the event, drops the I/O's reference, wakes a reaper. True if that
 * was the last reference. One compiled copy per variant; `aio_complete` is chosen once at boot.
 * */
typedef bool (*aio_complete_t)(struct kiocb *iocb, s64 res, s64 res2);
extern aio_complete_t aio_complete;
bool aio_complete__k0(struct kiocb *iocb, s64 res, s64 res2);
bool aio_complete__k7(struct kiocb *iocb, s64 res, s64 res2);

void aio_init(u32 variant);
void exit_aio(struct mm *mm);

/* The context with its count raised, or NULL. */
struct kioctx *lookup_ioctx(u64 ctx_id);
void put_ioctx(struct kioctx *ctx);

/* Frees the kiocb and gives back what it held; under ctx_lock. */
void kiocb_release(struct kioctx *ctx, struct kiocb *req);
struct kiocb *aio_get_req(struct kioctx *ctx);
bool aio_put_req(struct kiocb *req);
void aio_run_all_iocbs(struct kioctx *ctx);

extern struct kioctx *kioctxs[KIOCTX_MAX];

long sys_io_setup(u64 nr_events, u64 __user *ctxp);
long sys_io_destroy(u64 ctx_id);
long sys_io_submit(u64 ctx_id, s64 nr, u64 __user *iocbpp);
long sys_io_getevents(u64 ctx_id, s64 min_nr, s64 nr, struct io_event __user *events,
		      const s64 __user *timeout);

#endif
