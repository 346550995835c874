/*
 * A journal in the manner of jbd: whoever changes metadata does it in a handle, handles belong to
 * the running transaction, and kjournald commits that when its time has come. While it is being
 * closed (T_LOCKED) no new handle may join, and it is closed when the last one ends.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "../core/timer.h"
#include "../core/wait.h"

struct gendisk;

enum t_state { T_RUNNING, T_LOCKED, T_FLUSH, T_COMMIT, T_FINISHED };

struct transaction {
	u32 t_tid;
	u32 t_state;
	u32 t_updates; /* open handles */
	u32 t_outstanding_credits;
	spinlock_t t_handle_lock; /* of the two above */
	u32 t_buffers;		  /* changed blocks */
};

struct handle {
	struct transaction *h_transaction;
	u32 h_ref; /* a task that has one gets the same again */
};

struct journal {
	spinlock_t j_state_lock;
	struct transaction *j_running_transaction;
	struct transaction *j_committing_transaction;
	wait_queue_head_t j_wait_transaction_locked; /* for a new transaction */
	wait_queue_head_t j_wait_updates;	     /* kjournald, for the last handle */
	wait_queue_head_t j_wait_commit;	     /* kjournald, for something to do */
	struct task *j_task;
	struct timer j_commit_timer; /* of the running transaction */
	u64 j_commit_ns;
	u32 j_commit_request;
	u32 j_next_tid;
	u32 j_errors; /* blocks that could not be written */
	struct gendisk *j_disk;
	u64 j_first_sector, j_sectors, j_head; /* its place on the disk, written round */
	u8 *j_block;
};

void journal_init(struct journal *journal, struct gendisk *disk, u64 first_sector, u64 sectors,
		  u64 commit_ns);

/* W0. Sleeps while the transaction is being closed. */
struct handle *journal_start(struct journal *journal, u32 credits);
/* The handle changes so many blocks. */
void journal_dirty(struct handle *handle, u32 blocks);
void journal_stop(struct journal *journal, struct handle *handle);

#endif
