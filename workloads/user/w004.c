/*
 * W004: asynchronous reads of files through a page cache that is smaller than they are, so that
 * nearly every page has to be waited for, and the request is tried again when it has come.
 *
 *     w004 [files=2] [threads=4] [records=200] [record=65536] [blocks=128] [depth=64]
 *          [direct=0] [sync=0] [one=CPU]
 *
 * In the shape of aio-stress: records of files at random, eight requests to an io_submit, up to
 * `depth` under way. Threads share the files, so one may wait for a page that another is reading.
 * Every word of a file says where it is, and is checked. direct: O_DIRECT. sync: pread.
 */
#include <mini.h>

#include <w004-stats.h>

#define BLOCK 4096
#define BATCH 8
#define DEPTH_MAX 64
#define FILES_MAX 8
#define THREADS_MAX 8
#define CHECK_BYTES 512
#define O_DIRECT 0x4000

struct slot {
	struct iocb iocb;
	u8 *buffer;
	u32 file;
};

struct reader {
	struct thread thread;
	u64 ctx, random;
	u32 free_count;
	struct slot *free[DEPTH_MAX];
	struct slot slot[DEPTH_MAX];
} LINE_ALIGNED;

struct w004_stats w004_stats LINE_ALIGNED;
static struct reader readers[THREADS_MAX];
static int fds[FILES_MAX];
static u64 files, threads, records, record_bytes, blocks, depth, synchronous;

static void add(unsigned long *place, u64 amount)
{
	__atomic_fetch_add(place, amount, __ATOMIC_RELAXED);
}

static u64 word_of(u32 file, u64 position)
{
	return ((u64)(file + 1) << 48) + position;
}

static void write_file(u32 file)
{
	static u8 block[BLOCK] LINE_ALIGNED;

	for (u64 at = 0; at < blocks * BLOCK; at += BLOCK) {
		long result;

		for (u64 i = 0; i < BLOCK; i += CHECK_BYTES)
			*(u64 *)(block + i) = word_of(file, at + i);
		result = sys_pwrite(fds[file], block, BLOCK, at);
		if (result != BLOCK)
			die("w004: pwrite: %ld\n", result);
	}
}

static void finish(struct reader *reader, struct slot *slot, s64 result)
{
	u64 wrong = 0;

	add(&w004_stats.events, 1);
	add(result == (s64)record_bytes ? &w004_stats.full : &w004_stats.other, 1);
	for (s64 i = 0; i < result; i += CHECK_BYTES)
		wrong += *(u64 *)(slot->buffer + i) !=
			 word_of(slot->file, slot->iocb.aio_offset + i);
	if (wrong)
		add(&w004_stats.wrong, wrong);
	reader->free[reader->free_count++] = slot;
}

static struct iocb *prepare(struct reader *reader, struct slot *slot)
{
	u64 places = blocks * BLOCK / record_bytes;

	slot->file = random_below(&reader->random, files);
	slot->iocb = (struct iocb){
		.aio_data = (u64)slot,
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = fds[slot->file],
		.aio_buf = (u64)slot->buffer,
		.aio_nbytes = record_bytes,
		.aio_offset = random_below(&reader->random, places) * record_bytes,
	};
	return &slot->iocb;
}

static u64 submit(struct reader *reader, u64 most)
{
	struct iocb *batch[BATCH];
	long count = 0, result;

	while (count < BATCH && count < most)
		batch[count++] = prepare(reader, reader->free[--reader->free_count]);
	add(&w004_stats.submitted, count);
	result = sys_io_submit(reader->ctx, count, batch);
	if (result != count)
		die("w004: io_submit: %ld of %ld\n", result, count);
	return count;
}

static void read_synchronously(struct reader *reader)
{
	for (u64 i = 0; i < records; i++) {
		struct slot *slot = reader->free[--reader->free_count];
		struct iocb *iocb = prepare(reader, slot);

		add(&w004_stats.submitted, 1);
		finish(reader, slot, sys_pread(iocb->aio_fildes, slot->buffer, record_bytes,
					       iocb->aio_offset));
	}
}

static void read_asynchronously(struct reader *reader)
{
	u64 submitted = 0, pending = 0;

	while (submitted < records || pending) {
		struct io_event events[BATCH];
		long wanted, count;

		while (submitted < records && reader->free_count >= BATCH) {
			u64 more = submit(reader, records - submitted);

			submitted += more;
			pending += more;
		}
		wanted = pending < BATCH ? pending : BATCH;
		count = sys_io_getevents(reader->ctx, wanted, BATCH, events);
		if (count != wanted && count != BATCH)
			die("w004: io_getevents: %ld\n", count);
		for (long i = 0; i < count; i++)
			finish(reader, (struct slot *)events[i].data, events[i].res);
		pending -= count;
	}
}

static void run(void *argument)
{
	struct reader *reader = argument;
	long result;

	for (u32 i = 0; i < depth; i++) {
		reader->slot[i].buffer = sys_mmap(record_bytes);
		reader->free[reader->free_count++] = &reader->slot[i];
	}
	result = sys_io_setup(depth, &reader->ctx);
	if (result)
		die("w004: io_setup: %ld\n", result);
	if (synchronous)
		read_synchronously(reader);
	else
		read_asynchronously(reader);
	result = sys_io_destroy(reader->ctx);
	if (result)
		die("w004: io_destroy: %ld\n", result);
}

int main(void)
{
	static char path[] = "/fs/f0";
	u32 flags = option("direct", 0) ? O_DIRECT : 0;

	files = option("files", 2);
	threads = option("threads", 4);
	records = option("records", 200);
	record_bytes = option("record", 65536);
	blocks = option("blocks", 128);
	depth = option("depth", DEPTH_MAX);
	synchronous = option("sync", 0);
	if (!files || files > FILES_MAX || !threads || threads > THREADS_MAX)
		die("w004: files= 1 to %d, threads= 1 to %d\n", FILES_MAX, THREADS_MAX);
	if (depth < BATCH || depth > DEPTH_MAX || !record_bytes || record_bytes % BLOCK)
		die("w004: depth= %d to %d, record= in blocks\n", BATCH, DEPTH_MAX);
	if (blocks * BLOCK % record_bytes)
		die("w004: blocks= in records\n");
	if (option_string("one", NULL))
		pin_to_cpu(option("one", 0));
	for (u32 i = 0; i < files; i++) {
		path[5] = '0' + i;
		fds[i] = sys_open_flags(path, 0);
		if (fds[i] < 0)
			die("w004: %s: error %d\n", path, -fds[i]);
		write_file(i);
		if (flags)
			fds[i] = sys_open_flags(path, flags);
	}
	for (u32 i = 0; i < threads; i++) {
		readers[i].random = option("seed", 1) * 1000003 + i;
		thread_start(&readers[i].thread, run, &readers[i]);
	}
	for (u32 i = 0; i < threads; i++)
		thread_join(&readers[i].thread);
	print("w004 submitted=%lu events=%lu full=%lu other=%lu wrong=%lu\n", w004_stats.submitted,
	      w004_stats.events, w004_stats.full, w004_stats.other, w004_stats.wrong);
	return w004_stats.wrong || w004_stats.other;
}
