/*
 * Writes through the page cache to the disk. All pages of a write are under way together; each is
 * locked until it is on the disk, and the writer sleeps until the last one is.
 */
#include "buffered.h"

#include "../arch/usercopy.h"
#include "../block/queue.h"
#include "../core/sched.h"
#include "../core/wait.h"
#include "../sys/errno.h"

/* One write, on its caller's stack. Nobody touches it after the count has become 0. */
struct write_run {
	atomic_t pages; /* under way, and one while more may come */
	u32 failed;
};

static wait_queue_head_t run_ends = { SPIN_LOCK_UNLOCKED, { &run_ends.task_list,
							    &run_ends.task_list } };

/* In the block softirq. */
static void page_write_end(struct bio *bio)
{
	struct cache_page *page = bio->bi_private;
	struct write_run *run = page->run;

	if (!(bio->bi_flags & BIO_UPTODATE)) {
		WRITE_ONCE(run->failed, 1);
		clear_bit(PG_UPTODATE, &page->flags);
	}
	bio_put(bio);
	unlock_page(page);
	/* Locked, a fence: the count is 0 before the look for the writer. */
	if (atomic_dec_and_test(&run->pages))
		wake_up(&run_ends);
}

static void write_page(struct disk_cache *cache, struct cache_page *page, struct write_run *run)
{
	struct bio *bio = bio_alloc(cache->disk, WRITE, page->index << (PAGE_SHIFT - SECTOR_SHIFT));

	page->run = run;
	atomic_inc(&run->pages);
	bio->bi_private = page;
	bio->bi_end_io = page_write_end;
	bio_add(bio, virt_to_phys(page->data), PAGE_SIZE);
	submit_bio(bio);
	unplug_queue(cache->disk);
}

/* A page that is counted, locked and, if it keeps old bytes, uptodate. The caller may sleep. */
static struct cache_page *lock_for_write(struct disk_cache *cache, u64 index, bool whole,
					 long *error)
{
	struct cache_page *page, *busy;

	while (!(page = find_or_take(cache, index, &busy))) {
		wait_on_page_locked(busy);
		sched_yield();
	}
	for (;;) {
		*error = whole ? wait_on_page_locked(page) : make_uptodate(cache, page);
		if (*error) {
			put_page(cache, page);
			return NULL;
		}
		if (test_and_set_bit(PG_LOCKED, &page->flags))
			continue;
		if (whole || is_uptodate(page))
			return page;
		unlock_page(page);
	}
}

static long write_part(struct disk_cache *cache, struct write_run *run, const void __user *from,
		       u64 bytes, u64 position)
{
	u64 offset = position % PAGE_SIZE;
	long error;
	struct cache_page *page = lock_for_write(cache, position >> PAGE_SHIFT,
						 bytes == PAGE_SIZE, &error);

	if (!page)
		return error;
	error = copy_from_user(page->data + offset, from, bytes);
	if (error) {
		/* It may be half of the old and half of the new. */
		clear_bit(PG_UPTODATE, &page->flags);
		unlock_page(page);
	} else {
		set_bit(PG_UPTODATE, &page->flags);
		write_page(cache, page, run);
	}
	put_page(cache, page);
	return error;
}

static void wait_for_run(struct write_run *run)
{
	wait_queue_t wait;

	if (atomic_dec_and_test(&run->pages))
		return;
	init_waitqueue_entry(&wait, current);
	note_sleep(SMPBOX_SLEEP_DISK, run, 0, 0);
	add_wait_queue(&run_ends, &wait);
	for (;;) {
		/* An exchange: the count is read after the entry and the state are visible. */
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (!atomic_read(&run->pages))
			break;
		io_schedule();
	}
	set_current_state(TASK_RUNNING);
	remove_wait_queue(&run_ends, &wait);
}

long buffered_write_and_wait(struct disk_cache *cache, const void __user *from, u64 bytes,
			     u64 position)
{
	struct write_run run = { { 1 }, 0 };
	struct kiocb *io_wait = current->io_wait;
	u64 done = 0;
	long error = 0;

	/* It ends in this call, so it waits here: it cannot be tried again. */
	current->io_wait = NULL;
	while (done < bytes && !error) {
		u64 part = PAGE_SIZE - (position + done) % PAGE_SIZE;

		if (part > bytes - done)
			part = bytes - done;
		error = write_part(cache, &run, (const u8 *)from + done, part, position + done);
		if (!error)
			done += part;
	}
	wait_for_run(&run);
	current->io_wait = io_wait;
	if (run.failed)
		return -EIO;
	return done ? (long)done : error;
}

void buffered_invalidate(struct disk_cache *cache, u64 bytes, u64 position)
{
	u64 first = position >> PAGE_SHIFT;
	u64 last = (position + bytes - 1) >> PAGE_SHIFT;

	/* The caller's bytes are on no page yet: whoever reads them now may have the old ones. */
	if (!READ_ONCE(cache->used))
		return;
	spin_lock(&cache->lock);
	for (u32 i = 0; i < CACHE_PAGES; i++) {
		struct cache_page *page = &cache->page[i];

		if (page->index >= first && page->index <= last && !page->count &&
		    !is_locked(page))
			page->index = NO_INDEX;
	}
	spin_unlock(&cache->lock);
}
