/*
 * Raw disks: /dev/vd0, /dev/vd1 ... Reads and writes go between the disk and the user's memory,
 * without a copy and without the page cache. Memory of a process is never unmapped while it lives,
 * so its pages need no pinning.
 *
 * A request has one reference for each bio and one for the submitter, who holds his until the last
 * bio is on its way. Whoever drops the last one reports the result: once.
 */
#include "rawdev.h"

#include "../aio/aio.h"
#include "../arch/usercopy.h"
#include "../block/queue.h"
#include "../core/mm.h"
#include "../core/sched.h"
#include "../core/slab.h"
#include "../sys/errno.h"

struct raw_io {
	atomic_t refcount;
	u32 failed;
	spinlock_t lock; /* of `done`: its release is the completer's last access */
	struct kiocb *iocb; /* NULL: somebody waits */
	struct task *waiter;
	u32 done;
	u64 bytes;
} __cacheline_aligned;

static struct kmem_cache raw_io_cache = KMEM_CACHE(struct raw_io);

static long result_of(const struct raw_io *io)
{
	return READ_ONCE(io->failed) ? -EIO : (long)io->bytes;
}

/* The last reference is gone: nobody else knows of `io`. */
static void complete(struct raw_io *io)
{
	if (io->iocb) {
		aio_complete(io->iocb, result_of(io), 0);
		kmem_cache_free(&raw_io_cache, io);
		return;
	}
	/* The waiter takes the lock once it has seen `done`, so neither io nor the task goes away
	 * before the wake-up is over. */
	spin_lock(&io->lock);
	WRITE_ONCE(io->done, 1);
	try_to_wake_up(io->waiter, TASK_UNINTERRUPTIBLE);
	spin_unlock(&io->lock);
}

static void raw_end_io(struct bio *bio)
{
	struct raw_io *io = bio->bi_private;

	if (!(bio->bi_flags & BIO_UPTODATE))
		WRITE_ONCE(io->failed, 1);
	bio_put(bio);
	if (atomic_dec_and_test(&io->refcount))
		complete(io);
}

/* Puts the user's memory into bios and submits them. */
static long submit(struct raw_io *io, struct gendisk *disk, u32 rw, u64 lin, u64 bytes,
		   u64 position)
{
	struct mm *mm = &current->process->mm;
	struct bio *bio = NULL;
	u64 end = lin + bytes;

	while (lin < end) {
		u64 part = PAGE_SIZE - lin % PAGE_SIZE;
		void *page = mm_find(mm, lin);

		if (part > end - lin)
			part = end - lin;
		if (bio && !bio_add(bio, virt_to_phys(page), part)) {
			submit_bio(bio);
			bio = NULL;
		}
		if (!bio) {
			bio = bio_alloc(disk, rw, position >> SECTOR_SHIFT);
			bio->bi_private = io;
			bio->bi_end_io = raw_end_io;
			atomic_inc(&io->refcount);
			bio_add(bio, virt_to_phys(page), part);
		}
		lin += part;
		position += part;
	}
	submit_bio(bio);
	unplug_queue(disk);
	return 0;
}

/* Alignment as O_DIRECT asks for: everything in sectors, within the disk, and mapped. */
static long check_range(const struct gendisk *disk, u64 lin, u64 bytes, u64 position)
{
	u64 size = disk->sectors << SECTOR_SHIFT;

	if ((lin | bytes | position) % SECTOR_SIZE)
		return -EINVAL;
	if (position > size || bytes > size - position || !bytes)
		return -EINVAL;
	if (!access_ok((const void *)lin, bytes))
		return -EFAULT;
	for (u64 at = lin & ~(u64)(PAGE_SIZE - 1); at < lin + bytes; at += PAGE_SIZE) {
		if (!mm_find(&current->process->mm, at))
			return -EFAULT;
	}
	return 0;
}

static struct raw_io *start(struct kiocb *iocb, u64 bytes)
{
	struct raw_io *io = kmem_cache_alloc(&raw_io_cache);

	atomic_set(&io->refcount, 1);
	io->failed = 0;
	spin_lock_init(&io->lock);
	io->iocb = iocb;
	io->waiter = current;
	io->done = 0;
	io->bytes = bytes;
	return io;
}

long raw_aio(struct kiocb *iocb, u32 rw)
{
	struct gendisk *disk = iocb->ki_filp->f_private;
	long error = check_range(disk, iocb->ki_buf, iocb->ki_nbytes, iocb->ki_pos);
	struct raw_io *io;

	if (error)
		return error;
	io = start(iocb, iocb->ki_nbytes);
	submit(io, disk, rw, iocb->ki_buf, iocb->ki_nbytes, iocb->ki_pos);
	if (atomic_dec_and_test(&io->refcount))
		complete(io);
	return -EIOCBQUEUED;
}

static long raw_sync(struct file *file, u32 rw, u64 lin, u64 bytes, u64 position)
{
	struct gendisk *disk = file->f_private;
	long result = check_range(disk, lin, bytes, position);
	struct raw_io *io;

	if (result)
		return result;
	io = start(NULL, bytes);
	note_sleep(SMPBOX_SLEEP_DISK, io, 0, 0);
	submit(io, disk, rw, lin, bytes, position);
	if (!atomic_dec_and_test(&io->refcount)) {
		for (;;) {
			/* An exchange: `done` is read after the state is visible. */
			set_current_state(TASK_UNINTERRUPTIBLE);
			if (READ_ONCE(io->done))
				break;
			io_schedule();
		}
		set_current_state(TASK_RUNNING);
		spin_lock_irq(&io->lock);
		spin_unlock_irq(&io->lock);
	}
	result = result_of(io);
	kmem_cache_free(&raw_io_cache, io);
	return result;
}

static long raw_read(struct file *file, void __user *to, u64 bytes, u64 position)
{
	return raw_sync(file, READ, (u64)to, bytes, position);
}

static long raw_pwrite(struct file *file, const void __user *from, u64 bytes, u64 position)
{
	return raw_sync(file, WRITE, (u64)from, bytes, position);
}

const struct file_operations raw_operations = {
	.read = raw_read,
	.pwrite = raw_pwrite,
	.aio = raw_aio,
};
