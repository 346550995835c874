/*
 * Disks and files through a page cache. A cache is small: the page with index i has its place i
 * modulo the size. Whoever uses a page counts it; only a page that nobody counts, and that is not
 * locked, may give up its place. A page is locked while it is read or written.
 */
#ifndef BUFFERED_H
#define BUFFERED_H

#include "../arch/atomic.h"
#include "../arch/spinlock.h"
#include "file.h"

#define PG_LOCKED 0
#define PG_UPTODATE 1
#define PG_ERROR 2 /* a read failed; who wants the page next is told */
#define NO_INDEX (~0ul)

struct gendisk;
struct write_run;

struct cache_page {
	u64 flags;
	u64 index;
	u32 count; /* under the cache's lock */
	u8 *data;
	struct write_run *run;	 /* while it is written */
	struct cache_page *next; /* of the same bio */
};

struct page_cache {
	spinlock_t lock;
	u32 used; /* some page has been in it */
	u32 nr_pages;
	struct cache_page *page;
	struct gendisk *disk;
	/* NULL: the cache is of the disk. Else where page `index` is on it; false: nowhere yet, it
	 * reads as zeros. `make` gives it a place before it is written. */
	bool (*map)(void *inode, u64 index, u64 *disk_page);
	long (*make)(void *inode, u64 index);
	void *inode;
} __cacheline_aligned;

extern const struct file_operations buffered_operations;

void buffered_init(void);

/* An empty cache of a disk; at most a page's worth of struct cache_page. */
void page_cache_init(struct page_cache *cache, struct gendisk *disk, u32 nr_pages);
/* One for each disk, made at its first use. */
struct page_cache *disk_cache_of(struct gendisk *disk);

/* Bytes of a file or disk of `size` bytes, an error, or -EIOCBRETRY. */
long buffered_read(struct page_cache *cache, void __user *to, u64 bytes, u64 position, u64 size);
/* The sector of a page; false: it has none. */
bool page_sector(struct page_cache *cache, const struct cache_page *page, u64 *sector);

static inline bool is_locked(const struct cache_page *page)
{
	return READ_ONCE(page->flags) >> PG_LOCKED & 1;
}

static inline bool is_uptodate(const struct cache_page *page)
{
	return READ_ONCE(page->flags) >> PG_UPTODATE & 1;
}

/* With the lock bit. What is in the page now is no answer to a read that failed before. */
static inline void mark_uptodate(struct cache_page *page)
{
	set_bit(PG_UPTODATE, &page->flags);
	if (READ_ONCE(page->flags) >> PG_ERROR & 1)
		clear_bit(PG_ERROR, &page->flags);
}

/* With or without success. */
static inline bool was_read(const struct cache_page *page)
{
	return READ_ONCE(page->flags) & (1 << PG_UPTODATE | 1 << PG_ERROR);
}

/* A counted page for the index, possibly not read yet; NULL while its place belongs to another
 * page that is in use, which is in *busy. */
struct cache_page *find_or_take(struct page_cache *cache, u64 index, struct cache_page **busy);
void put_page(struct page_cache *cache, struct cache_page *page);
/* 0: the page is uptodate. */
long make_uptodate(struct page_cache *cache, struct cache_page *page);
/* 0 when the page was seen unlocked; -EIOCBRETRY when the request will be tried again. */
long wait_on_page_locked(struct cache_page *page);
void unlock_page(struct cache_page *page);

/* Writes through the cache to the disk, and returns when it is there: bytes, or an error. */
long buffered_write_and_wait(struct page_cache *cache, const void __user *from, u64 bytes,
			     u64 position);
/* What lies behind the new size is zero from now on, in the cache and in its last block. */
long buffered_truncate(struct page_cache *cache, u64 size);
/* Drops what the cache has of a range that is written past it; pages in use stay. */
void buffered_invalidate(struct page_cache *cache, u64 bytes, u64 position);

#endif
