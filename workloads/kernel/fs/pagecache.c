/*
 * The page cache, for a file that is wholly in memory and never written: every page is uptodate,
 * so a read never waits and returns its result at once, also to the AIO code. /data: page n
 * begins with n and goes on with words of a generator seeded by the boot seed.
 */
#include "pagecache.h"

#include "../arch/usercopy.h"
#include "../core/page.h"
#include "../core/panic.h"

static struct page data_pages[DATA_FILE_PAGES];

struct mapping data_mapping = { DATA_FILE_PAGES, data_pages };

void pagecache_init(u64 seed)
{
	u64 word = seed;

	for (u32 n = 0; n < DATA_FILE_PAGES; n++) {
		u64 *data = page_alloc(1);

		data[0] = n;
		for (u32 i = 1; i < PAGE_SIZE / sizeof(*data); i++) {
			word = word * 6364136223846793005 + 1442695040888963407;
			data[i] = word;
		}
		data_pages[n].flags = PG_uptodate;
		data_pages[n].data = (u8 *)data;
		atomic_set(&data_pages[n].count, 1);
	}
}

/* A referenced page: it stays while its count is above zero. */
static struct page *find_get_page(struct mapping *mapping, u64 index)
{
	struct page *page;

	if (index >= mapping->nr_pages)
		return NULL;
	page = &mapping->pages[index];
	atomic_inc(&page->count);
	return page;
}

static void put_page(struct page *page)
{
	atomic_dec(&page->count);
}

long cached_read(struct file *file, void __user *to, u64 bytes, u64 position)
{
	u64 done = 0;

	while (done < bytes) {
		u64 offset = position % PAGE_SIZE;
		u64 part = PAGE_SIZE - offset < bytes - done ? PAGE_SIZE - offset : bytes - done;
		struct page *page = find_get_page(file->f_mapping, position >> PAGE_SHIFT);
		long error;

		if (!page)
			break;
		BUG_ON(!(READ_ONCE(page->flags) & PG_uptodate));
		error = copy_to_user((u8 *)to + done, page->data + offset, part);
		put_page(page);
		if (error)
			return done ? (long)done : error;
		done += part;
		position += part;
	}
	return done;
}
