/* Descriptors and reference counts. The files are the console, /data in the page
 * cache, the raw disks, disks through a cache, and the file system. */
#include "file.h"

#include "../core/printk.h"
#include "../core/slab.h"
#include "../core/string.h"
#include "../arch/usercopy.h"
#include "../sys/errno.h"
#include "../block/queue.h"
#include "blkdev.h"
#include "buffered.h"
#include "minifs.h"
#include "pagecache.h"

#define CONSOLE_CHUNK 128

static struct kmem_cache file_cache = KMEM_CACHE(struct file);

static long console_read(struct file *file, void __user *to, u64 bytes, u64 position)
{
	(void)file, (void)to, (void)bytes, (void)position;
	return 0; /* end of file: nobody types */
}

static long console_write_user(struct file *file, const void __user *from, u64 bytes)
{
	char chunk[CONSOLE_CHUNK];
	u64 done = 0;

	(void)file;
	while (done < bytes) {
		u64 part = bytes - done < sizeof(chunk) ? bytes - done : sizeof(chunk);
		long error = copy_from_user(chunk, (const char *)from + done, part);

		if (error)
			return done ? (long)done : error;
		console_write(chunk, part);
		done += part;
	}
	return done;
}

static const struct file_operations console_operations = {
	.read = console_read,
	.write = console_write_user,
};

static const struct file_operations cached_operations = {
	.read = cached_read,
};

static struct file *file_alloc(const struct file_operations *operations, struct mapping *mapping)
{
	struct file *file = kmem_cache_alloc(&file_cache);

	atomic_set(&file->f_count, 1);
	file->f_op = operations;
	file->f_mapping = mapping;
	file->f_private = NULL;
	file->f_pos = 0;
	return file;
}

/*
 * The descriptor's own count cannot go away between the look and the increment unless another
 * thread closes it at that moment; files_lock excludes that.
 */
struct file *fget(int fd)
{
	struct process *process = current->process;
	struct file *file;

	if ((u32)fd >= FILES_MAX)
		return NULL;
	spin_lock(&process->files_lock);
	file = process->files[fd];
	if (file)
		atomic_inc(&file->f_count);
	spin_unlock(&process->files_lock);
	return file;
}

void fput(struct file *file)
{
	if (atomic_dec_and_test(&file->f_count))
		kmem_cache_free(&file_cache, file);
}

static long install(struct process *process, struct file *file)
{
	long fd = -EMFILE;

	spin_lock(&process->files_lock);
	for (int i = 0; i < FILES_MAX && fd < 0; i++) {
		if (process->files[i])
			continue;
		process->files[i] = file;
		fd = i;
	}
	spin_unlock(&process->files_lock);
	return fd;
}

/* `prefix` and the number, or NULL. */
static struct gendisk *find_disk(const char *path, const char *prefix)
{
	u32 length = strlen(prefix);
	u32 number = 0;

	if (strncmp(path, prefix, length) != 0 || !path[length])
		return NULL;
	for (path += length; *path; path++) {
		if (*path < '0' || *path > '9' || number > DISKS_MAX)
			return NULL;
		number = number * 10 + (*path - '0');
	}
	return disk_of(number);
}

long file_open(const char *path, u32 flags)
{
	struct gendisk *disk = find_disk(path, "/dev/vd");
	struct gendisk *cached = find_disk(path, "/cached/vd");
	bool is_directory = strcmp(path, "/fs") == 0 && minifs_mounted();
	struct inode *inode = strncmp(path, "/fs/", 4) == 0 ? minifs_open(path + 4) : NULL;
	struct file *file;
	long fd;

	if (strcmp(path, "/data") == 0)
		file = file_alloc(&cached_operations, &data_mapping);
	else if (strcmp(path, "/dev/short") == 0)
		file = file_alloc(&short_operations, &data_mapping);
	else if (strcmp(path, "/dev/console") == 0)
		file = file_alloc(&console_operations, NULL);
	else if (disk)
		file = file_alloc(&raw_operations, NULL);
	else if (inode || is_directory)
		file = file_alloc(minifs_operations(inode, flags & O_DIRECT), NULL);
	else if (cached)
		file = file_alloc(&buffered_operations, NULL);
	else
		return -ENOENT;
	if (cached)
		file->f_private = disk_cache_of(cached);
	else
		file->f_private = inode ? (void *)inode : disk;
	fd = install(current->process, file);
	if (fd < 0)
		fput(file);
	return fd;
}

long file_close(int fd)
{
	struct process *process = current->process;
	struct file *file;

	if ((u32)fd >= FILES_MAX)
		return -EBADF;
	spin_lock(&process->files_lock);
	file = process->files[fd];
	process->files[fd] = NULL;
	spin_unlock(&process->files_lock);
	if (!file)
		return -EBADF;
	fput(file);
	return 0;
}

void open_console(struct process *process)
{
	struct file *file = file_alloc(&console_operations, NULL);

	atomic_set(&file->f_count, 3);
	for (int fd = 0; fd < 3; fd++)
		process->files[fd] = file;
}

void exit_files(struct process *process)
{
	for (int fd = 0; fd < FILES_MAX; fd++) {
		if (process->files[fd])
			fput(process->files[fd]);
		process->files[fd] = NULL;
	}
}
