/* Files whose pages are all in memory. */
#ifndef PAGECACHE_H
#define PAGECACHE_H

#include "file.h"

#define PG_uptodate 1

struct page {
	u32 flags;
	atomic_t count;
	u8 *data;
};

struct mapping {
	u32 nr_pages;
	struct page *pages;
};

extern struct mapping data_mapping;

void pagecache_init(u64 seed);

/* Copies from cached pages; short at the end of the file. */
long cached_read(struct file *file, void __user *to, u64 bytes, u64 position);

/* The same bytes, asynchronously a sector at a try. */
extern const struct file_operations short_operations;

#endif
