/* Open files. */
#ifndef FILE_H
#define FILE_H

#include "../core/task.h"

struct mapping;
struct kiocb;

struct file_operations {
	/* Bytes transferred, or a negative error. */
	long (*read)(struct file *file, void __user *to, u64 bytes, u64 position);
	long (*write)(struct file *file, const void __user *from, u64 bytes);
	long (*pwrite)(struct file *file, const void __user *from, u64 bytes, u64 position);
	long (*truncate)(struct file *file, u64 size);
	/* Names of a directory in the form of getdents64: bytes. */
	long (*readdir)(struct file *file, void __user *to, u64 bytes);
	/* Starts a READ or WRITE of the kiocb: its result, or -EIOCBQUEUED. */
	long (*aio)(struct kiocb *iocb, u32 rw);
};

struct file {
	atomic_t f_count; /* one for each descriptor and each operation under way */
	const struct file_operations *f_op;
	struct mapping *f_mapping;
	void *f_private;
	u64 f_pos;
} __cacheline_aligned;

/* The file behind a descriptor with its count raised, or NULL. */
struct file *fget(int fd);
void fput(struct file *file);

#define O_DIRECT 0x4000

/* A new descriptor, or a negative error. */
long file_open(const char *path, u32 flags);
long file_close(int fd);

/* Descriptors 0, 1 and 2: the console. */
void open_console(struct process *process);
void exit_files(struct process *process);

#endif
