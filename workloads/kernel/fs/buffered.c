/*
 * Reads through a page cache: of files, and of disks as /cached/vd0, /cached/vd1 ... A page that is
 * being read is locked; whoever wants it waits in a queue that it shares with other pages,
 * or, in a try of an asynchronous request, leaves an entry there and says -EIOCBRETRY.
 *
 * A reader holds a count, and only a page without one, and not locked, may become another page.
 */
#include "buffered.h"

#include "../aio/aio.h"
#include "../arch/usercopy.h"
#include "../block/queue.h"
#include "../core/page.h"
#include "../core/panic.h"
#include "../core/sched.h"
#include "../core/slab.h"
#include "../core/string.h"
#include "../sys/errno.h"

#define PAGE_WAIT_QUEUES 16
#define DISK_CACHE_PAGES 8

static struct kmem_cache page_cache_cache = KMEM_CACHE(struct page_cache);
static struct page_cache *caches[DISKS_MAX];
static DEFINE_SPINLOCK(caches_lock);
static wait_queue_head_t page_waits[PAGE_WAIT_QUEUES];

void buffered_init(void)
{
	for (u32 i = 0; i < PAGE_WAIT_QUEUES; i++)
		init_waitqueue_head(&page_waits[i]);
}

void page_cache_init(struct page_cache *cache, struct gendisk *disk, u32 nr_pages)
{
	BUG_ON(!nr_pages || nr_pages * sizeof(*cache->page) > PAGE_SIZE);
	memset(cache, 0, sizeof(*cache));
	spin_lock_init(&cache->lock);
	cache->disk = disk;
	cache->nr_pages = nr_pages;
	cache->page = page_alloc(1);
	for (u32 i = 0; i < nr_pages; i++)
		cache->page[i].index = NO_INDEX;
}

struct page_cache *disk_cache_of(struct gendisk *disk)
{
	struct page_cache *cache;

	spin_lock(&caches_lock);
	cache = caches[disk->number];
	if (!cache) {
		cache = kmem_cache_alloc(&page_cache_cache);
		page_cache_init(cache, disk, DISK_CACHE_PAGES);
		caches[disk->number] = cache;
	}
	spin_unlock(&caches_lock);
	return cache;
}

bool page_sector(struct page_cache *cache, const struct cache_page *page, u64 *sector)
{
	u64 disk_page = page->index;

	if (cache->map && !cache->map(cache->inode, page->index, &disk_page))
		return false;
	*sector = disk_page << (PAGE_SHIFT - SECTOR_SHIFT);
	return true;
}

static wait_queue_head_t *queue_of(const struct cache_page *page)
{
	return &page_waits[(u64)page / sizeof(*page) % PAGE_WAIT_QUEUES];
}

/* The bit goes by a locked instruction, a fence: the waiters are looked for after it is gone. */
void unlock_page(struct cache_page *page)
{
	clear_bit(PG_LOCKED, &page->flags);
	wake_up_key(queue_of(page), page);
}

/* In the block softirq. */
static void page_read_end(struct bio *bio)
{
	struct cache_page *page = bio->bi_private;

	set_bit(bio->bi_flags & BIO_UPTODATE ? PG_UPTODATE : PG_ERROR, &page->flags);
	bio_put(bio);
	unlock_page(page);
}

static void read_page(struct page_cache *cache, struct cache_page *page)
{
	struct bio *bio;
	u64 sector;

	if (!page_sector(cache, page, &sector)) {
		memset(page->data, 0, PAGE_SIZE);
		set_bit(PG_UPTODATE, &page->flags);
		unlock_page(page);
		return;
	}
	bio = bio_alloc(cache->disk, READ, sector);
	bio->bi_private = page;
	bio->bi_end_io = page_read_end;
	bio_add(bio, virt_to_phys(page->data), PAGE_SIZE);
	submit_bio(bio);
	unplug_queue(cache->disk);
}

static void wait_asleep(struct cache_page *page)
{
	wait_queue_head_t *queue = queue_of(page);
	wait_queue_t wait;

	init_waitqueue_entry(&wait, current);
	note_sleep(SMPBOX_SLEEP_DISK, page, 0, 0);
	add_wait_queue(queue, &wait);
	for (;;) {
		/* An exchange: the bit is read after the entry and the state are visible. */
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (!is_locked(page))
			break;
		io_schedule();
	}
	set_current_state(TASK_RUNNING);
	remove_wait_queue(queue, &wait);
}

long wait_on_page_locked(struct cache_page *page)
{
	if (!is_locked(page))
		return 0;
	if (!aio_enqueue_wait(queue_of(page), page)) {
		wait_asleep(page);
		return 0;
	}
	if (is_locked(page))
		return -EIOCBRETRY;
	/* Unlocked meanwhile: the waker has seen the entry, or it comes out again. */
	return aio_dequeue_wait() ? 0 : -EIOCBRETRY;
}

struct cache_page *find_or_take(struct page_cache *cache, u64 index, struct cache_page **busy)
{
	struct cache_page *page = &cache->page[index % cache->nr_pages];

	*busy = page;
	spin_lock(&cache->lock);
	if (page->index != index) {
		if (page->count || is_locked(page)) {
			page = NULL;
		} else {
			if (!page->data)
				page->data = page_alloc(1);
			page->index = index;
			WRITE_ONCE(page->flags, 0);
			cache->used = true;
		}
	}
	if (page)
		page->count++;
	spin_unlock(&cache->lock);
	return page;
}

void put_page(struct page_cache *cache, struct cache_page *page)
{
	spin_lock(&cache->lock);
	page->count--;
	spin_unlock(&cache->lock);
}

long make_uptodate(struct page_cache *cache, struct cache_page *page)
{
	long error;

	if (is_uptodate(page))
		return 0;
	if (!test_and_set_bit(PG_LOCKED, &page->flags)) {
		if (was_read(page))
			unlock_page(page);
		else
			read_page(cache, page);
	}
	error = wait_on_page_locked(page);
	if (error)
		return error;
	if (is_uptodate(page))
		return 0;
	/* Also of a read that an earlier try began, or somebody who did not wait for it. Whoever
	 * comes after this one reads anew. */
	clear_bit(PG_ERROR, &page->flags);
	return -EIO;
}

static long read_part(struct page_cache *cache, u64 index, u64 offset, void __user *to, u64 bytes)
{
	struct cache_page *page, *busy;
	long error;

	while (!(page = find_or_take(cache, index, &busy))) {
		/* It is counted only while somebody copies from it or begins to wait. */
		error = wait_on_page_locked(busy);
		if (error)
			return error;
		sched_yield();
	}
	error = make_uptodate(cache, page);
	if (!error)
		error = copy_to_user(to, page->data + offset, bytes);
	put_page(cache, page);
	return error;
}

long buffered_read(struct page_cache *cache, void __user *to, u64 bytes, u64 position, u64 size)
{
	u64 done = 0;

	if (position >= size)
		return 0;
	if (bytes > size - position)
		bytes = size - position;
	while (done < bytes) {
		u64 offset = (position + done) % PAGE_SIZE;
		u64 part = PAGE_SIZE - offset < bytes - done ? PAGE_SIZE - offset : bytes - done;
		long error = read_part(cache, (position + done) >> PAGE_SHIFT, offset,
				       (u8 *)to + done, part);

		if (error)
			return done ? (long)done : error;
		done += part;
	}
	return done;
}

static long disk_read(struct file *file, void __user *to, u64 bytes, u64 position)
{
	struct page_cache *cache = file->f_private;

	return buffered_read(cache, to, bytes, position, cache->disk->sectors << SECTOR_SHIFT);
}

const struct file_operations buffered_operations = {
	.read = disk_read,
};
