/* Files and the directory: names, reads, writes, sizes, times. */
#include "minifs.h"

#include "../arch/usercopy.h"
#include "../block/queue.h"
#include "../boot/params.h"
#include "../core/page.h"
#include "../core/panic.h"
#include "../core/string.h"
#include "../core/timer.h"
#include "../sys/errno.h"
#include "journal.h"

#define BLOCK_SECTORS (PAGE_SIZE / SECTOR_SIZE)
#define JOURNAL_BLOCKS 1024 /* the disk begins with them */
#define COMMIT_US 50000

/* What getdents64 gives for each name. */
struct dirent64 {
	u64 ino;
	s64 off;
	u16 reclen;
	u8 type;
	char name[NAME_MAX + 5];
} __attribute__((packed, aligned(8)));

static struct gendisk *fs_disk; /* NULL: not mounted */
static u32 cache_pages;
static DEFINE_SPINLOCK(names_lock);
static struct inode *inodes[FS_FILES_MAX];
static struct inode root; /* only its times, and what the file system has of its own */

bool minifs_mounted(void)
{
	return fs_disk;
}

void minifs_init(void)
{
	u64 first = param_number("fs_goal", JOURNAL_BLOCKS);

	if (!param_number("fs", 0))
		return;
	fs_disk = disk_of(0);
	if (!fs_disk)
		panic("fs=1: there is no disk");
	cache_pages = param_number("fs_cache", 32);
	minifs_map_init(first, fs_disk->sectors / BLOCK_SECTORS);
	journal_init(&fs_journal, fs_disk, 0, JOURNAL_BLOCKS * BLOCK_SECTORS,
		     param_number("commit", COMMIT_US) * 1000);
}

static struct inode *new_inode(const char *name)
{
	struct inode *inode = page_alloc(1);

	_Static_assert(sizeof(*inode) <= PAGE_SIZE, "an inode fits a page");
	mutex_init(&inode->i_mutex);
	spin_lock_init(&inode->i_lock);
	inode->i_extent = page_alloc(1);
	memcpy(inode->i_name, name, strlen(name) + 1);
	page_cache_init(&inode->i_cache, fs_disk, cache_pages);
	inode->i_cache.map = minifs_map_page;
	inode->i_cache.make = minifs_make_page;
	inode->i_cache.inode = inode;
	inode->i_target = (struct dio_target){
		.disk = fs_disk,
		.i_blkbits = PAGE_SHIFT,
		.lock_type = DIO_LOCKING,
		.journal = &fs_journal,
		.inode = inode,
		.get_block = minifs_get_block,
	};
	return inode;
}

struct inode *minifs_open(const char *name)
{
	struct inode *inode = NULL;

	if (!fs_disk || !*name || strlen(name) >= NAME_MAX)
		return NULL;
	spin_lock(&names_lock);
	for (u32 i = 0; i < FS_FILES_MAX && !inode; i++) {
		if (!inodes[i])
			inodes[i] = new_inode(name);
		if (strcmp(inodes[i]->i_name, name) == 0)
			inode = inodes[i];
	}
	spin_unlock(&names_lock);
	return inode;
}

void minifs_sync(void)
{
	for (u32 i = 0; i < FS_FILES_MAX && inodes[i]; i++) {
		if (READ_ONCE(inodes[i]->i_dirty))
			minifs_dirty_inode(inodes[i]);
	}
	minifs_dirty_inode(&root); /* with the counts of free blocks and inodes */
}

static u64 size_of(struct inode *inode)
{
	return READ_ONCE(inode->i_target.i_size);
}

/* The new size, when the data is there. */
static void extend(struct inode *inode, u64 end)
{
	if (end <= size_of(inode))
		return;
	WRITE_ONCE(inode->i_target.i_size, end);
	minifs_dirty_inode(inode);
}

static long minifs_read(struct file *file, void __user *to, u64 bytes, u64 position)
{
	struct inode *inode = file->f_private;

	return buffered_read(&inode->i_cache, to, bytes, position, size_of(inode));
}

static long minifs_pwrite(struct file *file, const void __user *from, u64 bytes, u64 position)
{
	struct inode *inode = file->f_private;
	long written;

	mutex_enter(&inode->i_mutex);
	written = buffered_write_and_wait(&inode->i_cache, from, bytes, position);
	if (written > 0)
		extend(inode, position + written);
	mutex_exit(&inode->i_mutex);
	return written;
}

/* ---- O_DIRECT ---- */

static long direct_rw(struct inode *inode, struct kiocb *iocb, u32 rw, u64 lin, u64 bytes,
		      u64 position)
{
	long result = direct_check(lin, bytes, position);

	if (result)
		return result;
	if (rw == READ) {
		if (position >= size_of(inode))
			return 0;
		return direct_read(fs_dio, iocb, &inode->i_target, lin, bytes, position);
	}
	mutex_enter(&inode->i_mutex);
	result = direct_write(fs_dio, iocb, &inode->i_target, &inode->i_cache, lin, bytes,
			      position);
	if (result > 0)
		extend(inode, position + result);
	else if (result == -EIOCBQUEUED) /* beyond the end it is done; inside nothing changes */
		extend(inode, position + bytes);
	mutex_exit(&inode->i_mutex);
	return result;
}

static long minifs_direct_aio(struct kiocb *iocb, u32 rw)
{
	struct inode *inode = iocb->ki_filp->f_private;

	return direct_rw(inode, iocb, rw, iocb->ki_buf, iocb->ki_nbytes, iocb->ki_pos);
}

static long minifs_direct_read(struct file *file, void __user *to, u64 bytes, u64 position)
{
	struct kiocb iocb = { .ki_ctx = NULL };

	return direct_rw(file->f_private, &iocb, READ, (u64)to, bytes, position);
}

static long minifs_direct_pwrite(struct file *file, const void __user *from, u64 bytes,
				 u64 position)
{
	struct kiocb iocb = { .ki_ctx = NULL };

	return direct_rw(file->f_private, &iocb, WRITE, (u64)from, bytes, position);
}

/* ---- Sizes and names ---- */

/* A larger size leaves a hole; a smaller one frees blocks, and clears the rest of the last one. */
static long minifs_truncate(struct file *file, u64 size)
{
	struct inode *inode = file->f_private;
	u64 old;
	long error = 0;

	mutex_enter(&inode->i_mutex);
	old = size_of(inode);
	WRITE_ONCE(inode->i_target.i_size, size);
	if (size < old) {
		error = buffered_truncate(&inode->i_cache, size);
		minifs_free_from(inode, PAGE_ALIGN(size) / PAGE_SIZE);
	}
	minifs_dirty_inode(inode);
	mutex_exit(&inode->i_mutex);
	return error;
}

/* As reading a directory does, also where nobody wants to know: update_atime(). */
static noinline void update_atime(struct inode *inode)
{
	WRITE_ONCE(inode->i_atime, clock_ns());
	minifs_dirty_inode(inode);
}

/* All names that fit, each time from the first one on. */
static long minifs_readdir(struct file *file, void __user *to, u64 bytes)
{
	u64 done = 0;

	(void)file;
	for (u32 i = 0; i < FS_FILES_MAX && READ_ONCE(inodes[i]); i++) {
		struct dirent64 entry = { .ino = i + 1, .off = i + 1, .reclen = sizeof(entry) };
		long error;

		if (bytes - done < sizeof(entry))
			break;
		memcpy(entry.name, inodes[i]->i_name, NAME_MAX);
		error = copy_to_user((u8 *)to + done, &entry, sizeof(entry));
		if (error)
			return error;
		done += sizeof(entry);
	}
	update_atime(&root);
	return done;
}

const struct file_operations *minifs_operations(const struct inode *inode, bool direct)
{
	static const struct file_operations buffered = {
		.read = minifs_read,
		.pwrite = minifs_pwrite,
		.truncate = minifs_truncate,
	};
	static const struct file_operations directly = {
		.read = minifs_direct_read,
		.pwrite = minifs_direct_pwrite,
		.truncate = minifs_truncate,
		.aio = minifs_direct_aio,
	};
	static const struct file_operations directory = {
		.readdir = minifs_readdir,
	};

	if (!inode)
		return &directory;
	return direct ? &directly : &buffered;
}
