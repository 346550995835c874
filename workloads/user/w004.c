/*
 * W004: asynchronous reads of files through a page cache that is smaller than they are, so that
 * nearly every page has to be waited for, and the request is tried again when it has come.
 *
 *     w004 [files=2] [threads=4] [records=200] [record=65536] [blocks=128] [depth=64]
 *          [batch=8] [align=RECORD] [shared=0] [direct=0] [sync=0] [short=0]
 *     w004 fsx=OPERATIONS [files=2] [direct=0] [shared=0]
 *
 * In the shape of aio-stress: records of files at random, eight requests to an io_submit, up to
 * `depth` under way. Threads share the files, so one may wait for a page that another is reading.
 * Every sector of a file says where it is, and is checked. shared: all threads on one AIO context,
 * where each takes whatever events there are. direct: O_DIRECT. sync: pread.
 * fsx: w004-fsx.h. short: /dev/short instead, whose tries are short without having to wait.
 */
#include <mini.h>

#include <w004-stats.h>

#define BLOCK 4096
#define BATCH_MAX 8
#define DEPTH_MAX 64
#define FILES_MAX 8
#define THREADS_MAX 16
#define CHECK_BYTES 512
#define O_DIRECT 0x4000

struct slot {
	struct iocb iocb;
	u8 *buffer;
	u32 file;
	bool busy; /* until somebody, on a shared context another thread, has its event */
};

struct reader {
	struct thread thread;
	u64 ctx, random;
	struct slot slot[DEPTH_MAX];
} LINE_ALIGNED;

struct w004_stats w004_stats LINE_ALIGNED;
static struct reader readers[THREADS_MAX];
static int fds[FILES_MAX];
static u64 files, threads, records, record_bytes, blocks, depth, batch, align;
static bool shared, synchronous, short_tries;
/* Requests of a context whose events nobody has claimed yet; [0] if it is shared. */
static struct {
	s64 count;
} LINE_ALIGNED unclaimed[THREADS_MAX];

static void add(unsigned long *place, u64 amount)
{
	__atomic_fetch_add(place, amount, __ATOMIC_RELAXED);
}

/* Up to `most` events that nobody else will wait for. */
static long claim(s64 *count, s64 most)
{
	s64 seen = __atomic_load_n(count, __ATOMIC_RELAXED), wanted;

	do {
		wanted = seen < most ? seen : most;
	} while (!__atomic_compare_exchange_n(count, &seen, seen - wanted, 0, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return wanted;
}

#include "w004-fsx.h"

static u64 word_of(u32 file, u64 position)
{
	if (short_tries)
		return position / BLOCK; /* /data: of each page the first word */
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

static void finish(struct slot *slot, s64 result)
{
	u64 wrong = 0;

	add(&w004_stats.events, 1);
	add(result == (s64)record_bytes ? &w004_stats.full : &w004_stats.other, 1);
	for (s64 i = 0; i < result; i += short_tries ? BLOCK : CHECK_BYTES)
		wrong += *(u64 *)(slot->buffer + i) !=
			 word_of(slot->file, slot->iocb.aio_offset + i);
	if (wrong)
		add(&w004_stats.wrong, wrong);
	__atomic_store_n(&slot->busy, false, __ATOMIC_RELEASE);
}

static struct iocb *prepare(struct reader *reader, struct slot *slot)
{
	u64 places = (blocks * BLOCK - record_bytes) / align + 1;

	slot->file = random_below(&reader->random, files);
	slot->iocb = (struct iocb){
		.aio_data = (u64)slot,
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = fds[slot->file],
		.aio_buf = (u64)slot->buffer,
		.aio_nbytes = record_bytes,
		.aio_offset = random_below(&reader->random, places) * align,
	};
	return &slot->iocb;
}

static struct slot *take_slot(struct reader *reader)
{
	for (u32 i = 0; i < depth; i++) {
		struct slot *slot = &reader->slot[i];

		if (!__atomic_load_n(&slot->busy, __ATOMIC_ACQUIRE)) {
			slot->busy = true;
			return slot;
		}
	}
	return NULL;
}

/* As many as there are slots for, up to `most`. */
static u64 submit(struct reader *reader, u64 most)
{
	struct iocb *iocbs[BATCH_MAX];
	struct slot *slot;
	long count = 0, result;

	while (count < batch && count < most && (slot = take_slot(reader)))
		iocbs[count++] = prepare(reader, slot);
	if (!count)
		return 0;
	add(&w004_stats.submitted, count);
	result = sys_io_submit(reader->ctx, count, iocbs);
	if (result != count)
		die("w004: io_submit: %ld of %ld\n", result, count);
	return count;
}

static void read_synchronously(struct reader *reader)
{
	for (u64 i = 0; i < records; i++) {
		struct slot *slot = take_slot(reader);
		struct iocb *iocb = prepare(reader, slot);

		add(&w004_stats.submitted, 1);
		finish(slot, sys_pread(iocb->aio_fildes, slot->buffer, record_bytes,
				       iocb->aio_offset));
	}
}

static void read_asynchronously(struct reader *reader)
{
	s64 *count = &unclaimed[shared ? 0 : reader - readers].count;
	u64 submitted = 0;

	for (;;) {
		struct io_event events[BATCH_MAX];
		long wanted, taken;
		u64 more;

		while ((more = submit(reader, records - submitted))) {
			submitted += more;
			__atomic_fetch_add(count, more, __ATOMIC_RELAXED);
		}
		wanted = claim(count, batch);
		if (!wanted && submitted == records)
			break;
		if (!wanted) /* others wait for what is in the slots */
			sys_sched_yield();
		taken = sys_io_getevents(reader->ctx, wanted, wanted, events);
		if (taken != wanted)
			die("w004: io_getevents: %ld of %ld\n", taken, wanted);
		for (long i = 0; i < taken; i++)
			finish((struct slot *)events[i].data, events[i].res);
	}
}

static void run(void *argument)
{
	struct reader *reader = argument;

	for (u32 i = 0; i < depth; i++)
		reader->slot[i].buffer = sys_mmap(record_bytes);
	if (synchronous)
		read_synchronously(reader);
	else
		read_asynchronously(reader);
}

static u64 set_up(u64 requests)
{
	u64 ctx = 0;
	long result = sys_io_setup(requests, &ctx);

	if (result)
		die("w004: io_setup: %ld\n", result);
	return ctx;
}

static void destroy(u64 ctx)
{
	long result = sys_io_destroy(ctx);

	if (result)
		die("w004: io_destroy: %ld\n", result);
}

static void run_fsx(u64 operations, u32 direct_flags)
{
	for (u32 i = 0; i < files; i++) {
		struct fsx *fsx = &fsxs[i];

		fsx->ctx = shared && i ? fsxs[0].ctx : set_up((shared ? files : 1) * FSX_READS);
		fsx_start(fsx, i, operations, direct_flags);
	}
	for (u32 i = 0; i < files; i++)
		thread_join(&fsxs[i].thread);
	for (u32 i = 0; i < (shared ? 1 : files); i++)
		destroy(fsxs[i].ctx);
}

static void run_readers(u32 flags)
{
	static char path[] = "/fs/f0";

	if (short_tries)
		fds[0] = sys_open_flags("/dev/short", 0);
	for (u32 i = 0; i < files && !short_tries; i++) {
		path[5] = '0' + i;
		fds[i] = sys_open_flags(path, 0);
		if (fds[i] < 0)
			die("w004: %s: error %d\n", path, -fds[i]);
		write_file(i);
		if (flags)
			fds[i] = sys_open_flags(path, flags);
	}
	for (u32 i = 0; i < threads; i++) {
		readers[i].ctx = shared && i ? readers[0].ctx
					     : set_up(shared ? threads * depth : depth);
		readers[i].random = option("seed", 1) * 1000003 + i;
		thread_start(&readers[i].thread, run, &readers[i]);
	}
	for (u32 i = 0; i < threads; i++)
		thread_join(&readers[i].thread);
	for (u32 i = 0; i < (shared ? 1 : threads); i++)
		destroy(readers[i].ctx);
}

int main(void)
{
	u32 flags = option("direct", 0) ? O_DIRECT : 0;

	files = option("files", 2);
	threads = option("threads", 4);
	records = option("records", 200);
	record_bytes = option("record", 65536);
	blocks = option("blocks", 128);
	depth = option("depth", DEPTH_MAX);
	batch = option("batch", BATCH_MAX);
	align = option("align", record_bytes);
	shared = option("shared", 0);
	synchronous = option("sync", 0);
	if (!files || files > FILES_MAX || !threads || threads > THREADS_MAX)
		die("w004: files= 1 to %d, threads= 1 to %d\n", FILES_MAX, THREADS_MAX);
	if (!batch || batch > BATCH_MAX || depth < batch || depth > DEPTH_MAX || !record_bytes ||
	    record_bytes % CHECK_BYTES || !align || align % CHECK_BYTES)
		die("w004: batch= 1 to %d, depth= batch to %d, record=, align= in sectors\n",
		    BATCH_MAX, DEPTH_MAX);
	short_tries = option("short", 0);
	if (short_tries && (files > 1 || align % BLOCK))
		die("w004: short: files=1, align= in blocks\n");
	if (blocks * BLOCK < record_bytes)
		die("w004: blocks= for a record at least\n");
	if (option("fsx", 0))
		run_fsx(option("fsx", 0), flags);
	else
		run_readers(flags);
	print("w004 submitted=%lu events=%lu full=%lu other=%lu wrong=%lu\n", w004_stats.submitted,
	      w004_stats.events, w004_stats.full, w004_stats.other, w004_stats.wrong);
	return w004_stats.wrong || w004_stats.other;
}
