/*
 * Handles, and the commit thread. Locks: j_state_lock, then t_handle_lock, then that of a wait
 * queue. Whoever waits queues itself under the lock that guards what it waits for, so the other
 * side, which changes that under the same lock, finds it.
 */
#include "journal.h"

#include "../block/bio.h"
#include "../block/queue.h"
#include "../core/page.h"
#include "../core/panic.h"
#include "../core/sched.h"
#include "../core/slab.h"
#include "../core/string.h"

#define SECTORS_PER_PAGE (PAGE_SIZE / SECTOR_SIZE)
#define JOURNAL_MAGIC 0x6a726e6c

static struct kmem_cache transaction_cache = KMEM_CACHE(struct transaction);
static struct kmem_cache handle_cache = KMEM_CACHE(struct handle);

/* What a block of the journal begins with. */
struct journal_header {
	u32 magic;
	u32 tid;
	u32 block; /* of this transaction */
	u32 blocks;
};

static void commit_timeout(void *data)
{
	struct journal *journal = data;

	WRITE_ONCE(journal->j_commit_request, 1);
	wake_up(&journal->j_wait_commit);
}

/* Under j_state_lock. Its commit is due after a while, whatever happens. */
static struct transaction *new_transaction(struct journal *journal)
{
	struct transaction *transaction = kmem_cache_alloc(&transaction_cache);

	memset(transaction, 0, sizeof(*transaction));
	transaction->t_tid = journal->j_next_tid++;
	transaction->t_state = T_RUNNING;
	spin_lock_init(&transaction->t_handle_lock);
	journal->j_running_transaction = transaction;
	timer_start(&journal->j_commit_timer, journal->j_commit_ns);
	return transaction;
}

/* Asleep until `queue` is woken; called with the lock held under which it is, returns without. */
static void sleep_on(wait_queue_head_t *queue, spinlock_t *lock)
{
	wait_queue_t wait;

	ASSERT_SPIN_LOCKED(lock);
	init_waitqueue_entry(&wait, current);
	add_wait_queue(queue, &wait);
	set_current_state(TASK_UNINTERRUPTIBLE);
	spin_unlock(lock);
	schedule();
	remove_wait_queue(queue, &wait);
}

static noinline void start_this_handle(struct journal *journal, struct handle *handle, u32 credits)
{
	for (;;) {
		struct transaction *transaction;

		spin_lock(&journal->j_state_lock);
		transaction = journal->j_running_transaction;
		if (!transaction)
			transaction = new_transaction(journal);
		if (transaction->t_state == T_RUNNING) {
			spin_lock(&transaction->t_handle_lock);
			transaction->t_updates++;
			transaction->t_outstanding_credits += credits;
			spin_unlock(&transaction->t_handle_lock);
			handle->h_transaction = transaction;
			spin_unlock(&journal->j_state_lock);
			return;
		}
		note_sleep(SMPBOX_SLEEP_T_LOCKED, transaction, 0, 0);
		sleep_on(&journal->j_wait_transaction_locked, &journal->j_state_lock);
	}
}

struct handle *journal_start(struct journal *journal, u32 credits)
{
	struct handle *handle = current->journal_info;

	if (handle) {
		handle->h_ref++;
		return handle;
	}
	handle = kmem_cache_alloc(&handle_cache);
	handle->h_ref = 1;
	start_this_handle(journal, handle, credits);
	current->journal_info = handle;
	return handle;
}

void journal_dirty(struct handle *handle, u32 blocks)
{
	struct transaction *transaction = handle->h_transaction;

	spin_lock(&transaction->t_handle_lock);
	transaction->t_buffers += blocks;
	spin_unlock(&transaction->t_handle_lock);
}

void journal_stop(struct journal *journal, struct handle *handle)
{
	struct transaction *transaction = handle->h_transaction;
	bool last;

	BUG_ON(current->journal_info != handle);
	if (--handle->h_ref)
		return;
	current->journal_info = NULL;
	spin_lock(&journal->j_state_lock);
	spin_lock(&transaction->t_handle_lock);
	BUG_ON(!transaction->t_updates);
	last = --transaction->t_updates == 0;
	if (last)
		wake_up(&journal->j_wait_updates);
	spin_unlock(&transaction->t_handle_lock);
	spin_unlock(&journal->j_state_lock);
	kmem_cache_free(&handle_cache, handle);
}

static void write_block(struct journal *journal, struct transaction *transaction, u32 block)
{
	struct journal_header *header = (struct journal_header *)journal->j_block;
	struct bio *bio = bio_alloc(journal->j_disk, WRITE,
				    journal->j_first_sector + journal->j_head);

	*header = (struct journal_header){ JOURNAL_MAGIC, transaction->t_tid, block,
					   transaction->t_buffers + 1 };
	bio_add(bio, virt_to_phys(journal->j_block), PAGE_SIZE);
	journal->j_head += SECTORS_PER_PAGE;
	if (journal->j_head + SECTORS_PER_PAGE > journal->j_sectors)
		journal->j_head = 0;
	if (submit_bio_wait(bio))
		journal->j_errors++;
}

/* The changed blocks themselves are not kept: each is written as its header. */
static noinline void journal_commit_transaction(struct journal *journal)
{
	struct transaction *transaction;

	spin_lock(&journal->j_state_lock);
	transaction = journal->j_running_transaction;
	transaction->t_state = T_LOCKED;
	while (READ_ONCE(transaction->t_updates)) {
		note_sleep(SMPBOX_SLEEP_UPDATES, transaction, 0, 0);
		sleep_on(&journal->j_wait_updates, &journal->j_state_lock);
		spin_lock(&journal->j_state_lock);
	}
	transaction->t_state = T_FLUSH;
	journal->j_committing_transaction = transaction;
	journal->j_running_transaction = NULL;
	wake_up(&journal->j_wait_transaction_locked);
	spin_unlock(&journal->j_state_lock);

	for (u32 block = 0; block < transaction->t_buffers; block++)
		write_block(journal, transaction, block);
	transaction->t_state = T_COMMIT;
	write_block(journal, transaction, transaction->t_buffers);
	transaction->t_state = T_FINISHED;
	journal->j_committing_transaction = NULL;
	kmem_cache_free(&transaction_cache, transaction);
}

static void kjournald(void *data)
{
	struct journal *journal = data;
	wait_queue_t wait;

	for (;;) {
		init_waitqueue_entry(&wait, current);
		note_sleep(SMPBOX_SLEEP_IDLE, journal, 0, 0);
		add_wait_queue(&journal->j_wait_commit, &wait);
		for (;;) {
			/* An exchange: the request is read after entry and state are visible. */
			set_current_state(TASK_INTERRUPTIBLE);
			if (xchg(&journal->j_commit_request, 0u))
				break;
			schedule();
		}
		set_current_state(TASK_RUNNING);
		remove_wait_queue(&journal->j_wait_commit, &wait);
		journal_commit_transaction(journal);
	}
}

void journal_init(struct journal *journal, struct gendisk *disk, u64 first_sector, u64 sectors,
		  u64 commit_ns)
{
	spin_lock_init(&journal->j_state_lock);
	init_waitqueue_head(&journal->j_wait_transaction_locked);
	init_waitqueue_head(&journal->j_wait_updates);
	init_waitqueue_head(&journal->j_wait_commit);
	timer_setup(&journal->j_commit_timer, commit_timeout, journal);
	journal->j_commit_ns = commit_ns;
	journal->j_next_tid = 1;
	journal->j_disk = disk;
	journal->j_first_sector = first_sector;
	journal->j_sectors = sectors;
	journal->j_block = page_alloc(1);
	journal->j_task = kthread_create(kjournald, journal, "kjournald", ~0ul);
}
