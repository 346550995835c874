/*
 * The file system: files below /fs, all in one directory, on the first disk if `fs=1` says so.
 * Blocks are pages. What is where is known in memory only, and a change of it is a change of so
 * many blocks of the journal: nothing is read back at the next boot.
 */
#ifndef MINIFS_H
#define MINIFS_H

#include "../core/mutex.h"
#include "buffered.h"
#include "direct.h"
#include "file.h"

#define NAME_MAX 16

/* File blocks from file_block on are the disk blocks from disk_block on. */
struct extent {
	u32 file_block;
	u32 count;
	u64 disk_block;
};

struct inode {
	kmutex_t i_mutex; /* one writer at a time */
	spinlock_t i_lock; /* of the extents and the size */
	u32 i_extents;
	struct extent *i_extent; /* by file_block; what is between two is a hole */
	u64 i_reserved, i_reserved_end; /* disk blocks that only this file takes */
	u64 i_atime;
	u32 i_dirty; /* the inode itself has to be written */
	char i_name[NAME_MAX];
	struct page_cache i_cache;
	struct dio_target i_target; /* i_size is there */
};

void minifs_init(void);
bool minifs_mounted(void);
/* The file, made if there is none; NULL: no file system, a bad name, or too many. */
struct inode *minifs_open(const char *name);
/* Of a file, or with NULL of the directory. */
const struct file_operations *minifs_operations(const struct inode *inode, bool direct);
/* Writes every dirty inode: a handle each. */
void minifs_sync(void);

/* minifs_map.c. The first are as dio_target and page_cache want them. */
extern struct journal fs_journal;
void minifs_map_init(u64 first_block, u64 blocks);
u32 minifs_get_block(void *inode, u64 block, u32 max, u64 *disk_block);
bool minifs_map_page(void *inode, u64 index, u64 *disk_page);
long minifs_make_page(void *inode, u64 index);
void minifs_free_from(struct inode *inode, u64 block);
void minifs_dirty_inode(struct inode *inode);

#endif
