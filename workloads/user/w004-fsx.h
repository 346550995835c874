/*
 * fsx for AIO (w004 fsx=OPERATIONS): each thread has a file and does what comes up at random: reads
 * of up to eight ranges at once, writes, truncations, and now and then pread. What the file must
 * hold is in a shadow buffer, with which every byte that was read is compared. With direct=1,
 * half of the reads and writes go by O_DIRECT, in whole sectors, beside the page cache. With
 * shared=1 all threads are on one context, and each takes as many events as it has requests there,
 * whosever they are.
 *
 * Ranges are in words, so that they begin and end anywhere in a sector, and a comparison is quick.
 */
#ifndef W004_FSX_H
#define W004_FSX_H

#define FSX_BYTES (256 * 1024)
#define FSX_OPERATION_BYTES (64 * 1024)
#define FSX_READS 8

struct fsx {
	struct thread thread;
	u64 ctx, random, operations;
	int fd, direct_fd; /* the latter -1: all through the page cache */
	u64 size;
	u64 *shadow; /* FSX_BYTES, zeros behind the size */
	struct range {
		struct iocb iocb;
		u64 *buffer;
		s64 result;
		u32 ended; /* futex */
	} range[FSX_READS];
} LINE_ALIGNED;

static struct fsx fsxs[FILES_MAX];

/* Anywhere below the largest size; what lies behind the end as well. */
static void fsx_choose(struct fsx *fsx, struct range *range, u32 opcode)
{
	bool direct = fsx->direct_fd >= 0 && random_below(&fsx->random, 2);
	u64 unit = direct ? CHECK_BYTES : sizeof(u64);
	u64 bytes = (1 + random_below(&fsx->random, FSX_OPERATION_BYTES / unit)) * unit;
	u64 places = (FSX_BYTES - bytes) / unit + 1;

	range->iocb = (struct iocb){
		.aio_data = (u64)range,
		.aio_lio_opcode = opcode,
		.aio_fildes = direct ? fsx->direct_fd : fsx->fd,
		.aio_buf = (u64)range->buffer,
		.aio_nbytes = bytes,
		.aio_offset = random_below(&fsx->random, places) * unit,
	};
}

static void fsx_check_read(struct fsx *fsx, const struct range *range, s64 result)
{
	u64 position = range->iocb.aio_offset, bytes = range->iocb.aio_nbytes, wrong = 0;
	u64 left = position < fsx->size ? fsx->size - position : 0;
	const u64 *expected = fsx->shadow + position / sizeof(u64);

	add(&w004_stats.events, 1);
	add(result == (s64)(bytes < left ? bytes : left) ? &w004_stats.full : &w004_stats.other, 1);
	for (s64 i = 0; i < result / (s64)sizeof(u64); i++)
		wrong += range->buffer[i] != expected[i];
	if (wrong)
		add(&w004_stats.wrong, wrong);
}

static void fsx_reap(struct fsx *fsx, long wanted)
{
	struct io_event events[FSX_READS];
	long taken = sys_io_getevents(fsx->ctx, wanted, wanted, events);

	if (taken != wanted)
		die("w004: fsx: io_getevents: %ld of %ld\n", taken, wanted);
	for (long i = 0; i < taken; i++) {
		struct range *range = (struct range *)events[i].data;

		range->result = events[i].res;
		__atomic_store_n(&range->ended, 1, __ATOMIC_RELEASE);
		if (range < fsx->range || range >= fsx->range + FSX_READS)
			sys_futex_wake(&range->ended, 1);
	}
}

/*
 * Submits the first `count` ranges together, and waits for all of them. A thread sleeps on a range
 * only when it has taken its share of the events: those that are left then are in the shares of
 * threads that wait for them. If it could leave events to be taken by whoever comes by, it might
 * be asleep when the last one does.
 */
static void fsx_run(struct fsx *fsx, long count)
{
	struct iocb *iocbs[FSX_READS];
	long result;

	for (long i = 0; i < count; i++) {
		iocbs[i] = &fsx->range[i].iocb;
		fsx->range[i].ended = 0;
	}
	add(&w004_stats.submitted, count);
	result = sys_io_submit(fsx->ctx, count, iocbs);
	if (result != count)
		die("w004: fsx: io_submit: %ld of %ld\n", result, count);
	fsx_reap(fsx, count);
	for (long i = 0; i < count; i++) {
		while (!__atomic_load_n(&fsx->range[i].ended, __ATOMIC_ACQUIRE))
			sys_futex_wait(&fsx->range[i].ended, 0);
	}
}

static void fsx_read(struct fsx *fsx)
{
	long count = 1 + random_below(&fsx->random, FSX_READS);

	for (long i = 0; i < count; i++)
		fsx_choose(fsx, &fsx->range[i], IOCB_CMD_PREAD);
	fsx_run(fsx, count);
	for (long i = 0; i < count; i++)
		fsx_check_read(fsx, &fsx->range[i], fsx->range[i].result);
}

static void fsx_write(struct fsx *fsx)
{
	struct range *range = &fsx->range[0];
	u64 position, bytes, *shadow;

	fsx_choose(fsx, range, IOCB_CMD_PWRITE);
	position = range->iocb.aio_offset;
	bytes = range->iocb.aio_nbytes;
	shadow = fsx->shadow + position / sizeof(u64);
	for (u64 i = 0; i < bytes / sizeof(u64); i++)
		shadow[i] = range->buffer[i] = (fsx->operations << 32) + position + i;
	if (fsx->size < position + bytes)
		fsx->size = position + bytes;
	fsx_run(fsx, 1);
	add(&w004_stats.events, 1);
	add(range->result == (s64)bytes ? &w004_stats.full : &w004_stats.other, 1);
}

static void fsx_truncate(struct fsx *fsx)
{
	u64 size = random_below(&fsx->random, FSX_BYTES / sizeof(u64) + 1) * sizeof(u64);
	long result = sys_ftruncate(fsx->fd, size);

	if (result)
		die("w004: fsx: ftruncate: %ld\n", result);
	for (u64 at = size; at < fsx->size; at += sizeof(u64))
		fsx->shadow[at / sizeof(u64)] = 0;
	fsx->size = size;
}

static void fsx_pread(struct fsx *fsx)
{
	struct range *range = &fsx->range[0];
	struct iocb *iocb = &range->iocb;

	fsx_choose(fsx, range, IOCB_CMD_PREAD);
	add(&w004_stats.submitted, 1);
	fsx_check_read(fsx, range, sys_pread(iocb->aio_fildes, range->buffer, iocb->aio_nbytes,
					     iocb->aio_offset));
}

static void fsx_thread(void *argument)
{
	struct fsx *fsx = argument;
	u64 count = fsx->operations;

	while (fsx->operations--) {
		u32 choice = random_below(&fsx->random, 20);

		if (choice < 12)
			fsx_read(fsx);
		else if (choice < 17)
			fsx_write(fsx);
		else if (choice < 19)
			fsx_truncate(fsx);
		else
			fsx_pread(fsx);
	}
	fsx->operations = count;
}

static void fsx_start(struct fsx *fsx, u32 number, u64 operations, u32 direct_flags)
{
	char path[] = "/fs/x0";

	path[5] += number;
	fsx->fd = sys_open_flags(path, 0);
	fsx->direct_fd = direct_flags ? sys_open_flags(path, direct_flags) : -1;
	if (fsx->fd < 0 || (direct_flags && fsx->direct_fd < 0))
		die("w004: fsx: %s: %d\n", path, fsx->fd);
	fsx->random = option("seed", 1) * 1000003 + number;
	fsx->operations = operations;
	fsx->shadow = sys_mmap(FSX_BYTES);
	for (u32 i = 0; i < FSX_READS; i++)
		fsx->range[i].buffer = sys_mmap(FSX_OPERATION_BYTES);
	thread_start(&fsx->thread, fsx_thread, fsx);
}

#endif
