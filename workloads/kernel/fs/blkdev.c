/* Raw disks, /dev/vd0, /dev/vd1 ...: direct I/O to all of a disk. */
#include "blkdev.h"

#include "../block/queue.h"
#include "../core/panic.h"
#include "../sys/errno.h"
#include "buffered.h"
#include "direct.h"

/* Block n of the file is block n of the disk. */
static u32 get_block(void *inode, u64 block, u32 max, u64 *disk_block)
{
	(void)inode;
	*disk_block = block;
	return max;
}

/* One for each disk: a request refers to it until it ends. */
static struct dio_target targets[DISKS_MAX];

static const struct dio_target *target_of(struct gendisk *disk)
{
	return &targets[disk->number];
}

void blkdev_init(void)
{
	for (u32 number = 0; number < nr_disks; number++) {
		struct gendisk *disk = disk_of(number);

		targets[number] = (struct dio_target){
			.disk = disk,
			.i_size = disk->sectors << SECTOR_SHIFT,
			.i_blkbits = SECTOR_SHIFT,
			.lock_type = DIO_NO_LOCKING,
			.get_block = get_block,
		};
	}
}

static long blkdev_rw(struct file *file, struct kiocb *iocb, u32 rw, u64 lin, u64 bytes,
		      u64 position)
{
	struct gendisk *disk = file->f_private;
	const struct dio_target *target = target_of(disk);
	long error = direct_check(lin, bytes, position);

	if (!error && position + bytes > target->i_size)
		error = -EINVAL;
	if (error)
		return error;
	if (rw == READ)
		return direct_read(raw_dio, iocb, target, lin, bytes, position);
	return direct_write(raw_dio, iocb, target, disk_cache_of(disk), lin, bytes, position);
}

static long blkdev_aio(struct kiocb *iocb, u32 rw)
{
	return blkdev_rw(iocb->ki_filp, iocb, rw, iocb->ki_buf, iocb->ki_nbytes, iocb->ki_pos);
}

/* A request that nobody else knows of. */
static long blkdev_sync(struct file *file, u32 rw, u64 lin, u64 bytes, u64 position)
{
	struct kiocb iocb = { .ki_ctx = NULL };

	return blkdev_rw(file, &iocb, rw, lin, bytes, position);
}

static long blkdev_read(struct file *file, void __user *to, u64 bytes, u64 position)
{
	return blkdev_sync(file, READ, (u64)to, bytes, position);
}

static long blkdev_pwrite(struct file *file, const void __user *from, u64 bytes, u64 position)
{
	return blkdev_sync(file, WRITE, (u64)from, bytes, position);
}

const struct file_operations raw_operations = {
	.read = blkdev_read,
	.pwrite = blkdev_pwrite,
	.aio = blkdev_aio,
};
