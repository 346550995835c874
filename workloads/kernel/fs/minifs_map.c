/* Which disk blocks a file has. A file takes its blocks from a run that is reserved for it, so that
 * what is written in order is one extent. */
#include "minifs.h"

#include "../core/panic.h"
#include "../core/string.h"
#include "../sys/errno.h"
#include "journal.h"

#define EXTENTS_MAX (PAGE_SIZE / sizeof(struct extent))
#define RESERVED_BLOCKS 4096
#define INODE_CREDITS 1
#define BLOCK_CREDITS 4 /* bitmap, group, extents, inode */

struct journal fs_journal;

static DEFINE_SPINLOCK(alloc_lock);
static u64 next_block, end_block;

void minifs_map_init(u64 first_block, u64 blocks)
{
	next_block = first_block;
	end_block = blocks;
}

/* The last extent that begins at or before `block`, or NULL. Under i_lock. */
static struct extent *find_extent(const struct inode *inode, u64 block)
{
	u32 low = 0, high = inode->i_extents;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (inode->i_extent[middle].file_block <= block)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &inode->i_extent[low - 1] : NULL;
}

u32 minifs_get_block(void *data, u64 block, u32 max, u64 *disk_block)
{
	struct inode *inode = data;
	const struct extent *extent;
	u32 count = 0;

	spin_lock(&inode->i_lock);
	extent = find_extent(inode, block);
	if (extent && block - extent->file_block < extent->count) {
		u32 inside = block - extent->file_block;

		count = extent->count - inside;
		*disk_block = extent->disk_block + inside;
	}
	spin_unlock(&inode->i_lock);
	return count < max ? count : max;
}

bool minifs_map_page(void *inode, u64 index, u64 *disk_page)
{
	return minifs_get_block(inode, index, 1, disk_page) != 0;
}

/* 0: the disk is full. Under i_lock. */
static u64 take_block(struct inode *inode)
{
	if (inode->i_reserved == inode->i_reserved_end) {
		spin_lock(&alloc_lock);
		inode->i_reserved = next_block;
		next_block += RESERVED_BLOCKS;
		inode->i_reserved_end = next_block;
		spin_unlock(&alloc_lock);
	}
	return inode->i_reserved < end_block ? inode->i_reserved++ : 0;
}

/* Under i_lock; the block is in no extent. */
static long add_block(struct inode *inode, u64 block)
{
	struct extent *before = find_extent(inode, block);
	struct extent *at = before ? before + 1 : inode->i_extent;
	u64 disk_block = take_block(inode);

	if (!disk_block)
		return -ENOSPC;
	if (before && before->file_block + before->count == block &&
	    before->disk_block + before->count == disk_block) {
		before->count++;
		return 0;
	}
	if (inode->i_extents == EXTENTS_MAX)
		return -ENOSPC;
	memmove(at + 1, at, (u8 *)(inode->i_extent + inode->i_extents) - (u8 *)at);
	*at = (struct extent){ block, 1, disk_block };
	inode->i_extents++;
	return 0;
}

/* A place for the page before it is written: within a handle, if it has none yet. */
long minifs_make_page(void *data, u64 index)
{
	struct inode *inode = data;
	struct handle *handle = journal_start(&fs_journal, BLOCK_CREDITS);
	long error = 0;
	u64 disk_block;

	if (!minifs_get_block(inode, index, 1, &disk_block)) {
		spin_lock(&inode->i_lock);
		error = add_block(inode, index);
		spin_unlock(&inode->i_lock);
		journal_dirty(handle, 1);
		inode->i_dirty = 1;
	}
	journal_stop(&fs_journal, handle);
	return error;
}

/* Blocks are not used again: what is still on its way to one of them harms nobody. */
void minifs_free_from(struct inode *inode, u64 block)
{
	spin_lock(&inode->i_lock);
	while (inode->i_extents) {
		struct extent *last = &inode->i_extent[inode->i_extents - 1];

		if (last->file_block + last->count <= block)
			break;
		if (last->file_block < block) {
			last->count = block - last->file_block;
			break;
		}
		inode->i_extents--;
	}
	spin_unlock(&inode->i_lock);
}

/* Its time has changed: that belongs to a transaction. */
void minifs_dirty_inode(struct inode *inode)
{
	struct handle *handle = journal_start(&fs_journal, INODE_CREDITS);

	journal_dirty(handle, 1);
	WRITE_ONCE(inode->i_dirty, 0);
	journal_stop(&fs_journal, handle);
}
