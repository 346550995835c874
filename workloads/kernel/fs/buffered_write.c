/*
 * Writes through the page cache to the disk. Pages that follow each other there share a bio. All
 * pages of a write are under way together; each is locked until it is on the disk, and the writer
 * sleeps until the last one is.
 */
#include "buffered.h"

#include "../arch/usercopy.h"
#include "../block/queue.h"
#include "../core/panic.h"
#include "../core/sched.h"
#include "../core/string.h"
#include "../core/wait.h"
#include "../sys/errno.h"

/* One write, on its caller's stack. Nobody touches it after the count has become 0. */
struct write_run {
	atomic_t bios; /* under way, and one while more may come */
	u32 failed;
	struct bio *bio; /* being filled: its pages are locked, and must not be waited for */
	u64 next_sector;
};

static wait_queue_head_t run_ends = { SPIN_LOCK_UNLOCKED, { &run_ends.task_list,
							    &run_ends.task_list } };

/* In the block softirq. */
static void page_write_end(struct bio *bio)
{
	struct cache_page *page = bio->bi_private, *next;
	struct write_run *run = page->run;
	bool uptodate = bio->bi_flags & BIO_UPTODATE;

	if (!uptodate)
		WRITE_ONCE(run->failed, 1);
	bio_put(bio);
	for (; page; page = next) {
		next = page->next; /* once it is unlocked it is somebody else's */
		if (!uptodate)
			clear_bit(PG_UPTODATE, &page->flags);
		unlock_page(page);
	}
	/* Locked, a fence: the count is 0 before the look for the writer. */
	if (atomic_dec_and_test(&run->bios))
		wake_up(&run_ends);
}

static void send(struct write_run *run)
{
	struct bio *bio = run->bio;
	struct gendisk *disk;

	if (!bio)
		return;
	run->bio = NULL;
	disk = bio->bi_disk;
	submit_bio(bio);
	unplug_queue(disk);
}

static void write_page(struct page_cache *cache, struct cache_page *page, struct write_run *run)
{
	u32 limit = cache->disk->queue.limits.max_segments;
	struct bio *bio = run->bio;
	u64 sector;

	BUG_ON(!page_sector(cache, page, &sector));
	page->run = run;
	if (bio && (sector != run->next_sector || bio->bi_vcnt >= limit))
		send(run);
	if (!run->bio) {
		bio = run->bio = bio_alloc(cache->disk, WRITE, sector);
		bio->bi_end_io = page_write_end;
		atomic_inc(&run->bios);
	}
	page->next = bio->bi_private;
	bio->bi_private = page;
	bio_add(bio, virt_to_phys(page->data), PAGE_SIZE);
	run->next_sector = sector + PAGE_SIZE / SECTOR_SIZE;
}

/* A page that is counted, locked and, if it keeps old bytes, uptodate. The caller may sleep. */
static struct cache_page *lock_for_write(struct page_cache *cache, struct write_run *run,
					 u64 index, bool whole, long *error)
{
	struct cache_page *page, *busy;

	while (!(page = find_or_take(cache, index, &busy))) {
		send(run);
		wait_on_page_locked(busy);
		sched_yield();
	}
	if (is_locked(page))
		send(run);
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

static long write_part(struct page_cache *cache, struct write_run *run, const void __user *from,
		       u64 bytes, u64 position)
{
	u64 offset = position % PAGE_SIZE;
	long error;
	struct cache_page *page = lock_for_write(cache, run, position >> PAGE_SHIFT,
						 bytes == PAGE_SIZE, &error);

	if (!page)
		return error;
	error = cache->make ? cache->make(cache->inode, position >> PAGE_SHIFT) : 0;
	if (!error)
		error = copy_from_user(page->data + offset, from, bytes);
	if (error) {
		/* It may be half of the old and half of the new. */
		clear_bit(PG_UPTODATE, &page->flags);
		unlock_page(page);
	} else {
		mark_uptodate(page);
		write_page(cache, page, run);
	}
	put_page(cache, page);
	return error;
}

static void wait_for_run(struct write_run *run)
{
	wait_queue_t wait;

	send(run);
	if (atomic_dec_and_test(&run->bios))
		return;
	init_waitqueue_entry(&wait, current);
	note_sleep(SMPBOX_SLEEP_DISK, run, 0, 0);
	add_wait_queue(&run_ends, &wait);
	for (;;) {
		/* An exchange: the count is read after the entry and the state are visible. */
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (!atomic_read(&run->bios))
			break;
		io_schedule();
	}
	set_current_state(TASK_RUNNING);
	remove_wait_queue(&run_ends, &wait);
}

long buffered_write_and_wait(struct page_cache *cache, const void __user *from, u64 bytes,
			     u64 position)
{
	struct write_run run = { .bios = { 1 } };
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

void buffered_invalidate(struct page_cache *cache, u64 bytes, u64 position)
{
	u64 first = position >> PAGE_SHIFT;
	u64 last = (position + bytes - 1) >> PAGE_SHIFT;

	/* The caller's bytes are on no page yet: whoever reads them now may have the old ones. */
	if (!READ_ONCE(cache->used))
		return;
	spin_lock(&cache->lock);
	for (u32 i = 0; i < cache->nr_pages; i++) {
		struct cache_page *page = &cache->page[i];

		if (page->index >= first && page->index <= last && !page->count &&
		    !is_locked(page))
			page->index = NO_INDEX;
	}
	spin_unlock(&cache->lock);
}

/* Counts the page in that place, if it is one from `first` on. */
static struct cache_page *get_cached(struct page_cache *cache, u32 place, u64 first)
{
	struct cache_page *page = &cache->page[place];
	bool wanted;

	spin_lock(&cache->lock);
	wanted = page->index != NO_INDEX && page->index >= first;
	if (wanted)
		page->count++;
	spin_unlock(&cache->lock);
	return wanted ? page : NULL;
}

/* The end of the last page, also on the disk if it has a place there. */
static long clear_tail(struct page_cache *cache, struct write_run *run, u64 size)
{
	u64 offset = size % PAGE_SIZE, sector;
	long error;
	struct cache_page *page = lock_for_write(cache, run, size >> PAGE_SHIFT, false,
						 &error);

	if (!page)
		return error;
	memset(page->data + offset, 0, PAGE_SIZE - offset);
	if (page_sector(cache, page, &sector))
		write_page(cache, page, run);
	else
		unlock_page(page);
	put_page(cache, page);
	return 0;
}

long buffered_truncate(struct page_cache *cache, u64 size)
{
	struct write_run run = { .bios = { 1 } };
	long error = 0;

	for (u32 i = 0; i < cache->nr_pages; i++) {
		struct cache_page *page = get_cached(cache, i, PAGE_ALIGN(size) / PAGE_SIZE);

		if (!page)
			continue;
		while (test_and_set_bit(PG_LOCKED, &page->flags))
			wait_on_page_locked(page);
		memset(page->data, 0, PAGE_SIZE);
		mark_uptodate(page);
		unlock_page(page);
		put_page(cache, page);
	}
	if (size % PAGE_SIZE)
		error = clear_tail(cache, &run, size);
	wait_for_run(&run);
	return error ? error : run.failed ? -EIO : 0;
}
