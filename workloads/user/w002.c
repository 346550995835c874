/*
 * W002: direct I/O to raw disks some of whose writes fail. In the shape of aio-stress: records of a
 * file in four stages (write, read, random write, random read), eight requests to an io_submit, up
 * to `depth` under way, and io_getevents for eight more when there are as many.
 *
 *     w002 [files=1] [records=64] [record=65536] [depth=64] [stages=15] [first=0]
 *          [sync=1 | timeout=MICROSECONDS] [a=CPU b=CPU]
 *
 * A file is the beginning of a disk, and has a thread; they are on the CPUs a and b in turn. sync:
 * pread and pwrite instead. timeout: an io_getevents that gets nothing in that time is the last
 * one; then the context is destroyed. Nobody tells the program which sectors are bad: it counts
 * answers, and what a read that succeeds returns is what the last successful write wrote.
 */
#include <mini.h>

#include <w002-stats.h>

#define SECTOR 512
#define BATCH 8
#define DEPTH_MAX 64
#define RECORDS_MAX 1024
#define STAGES 4
#define EIO 5

struct slot {
	struct iocb iocb;
	u8 *buffer;
	u64 record;
};

struct file {
	struct thread thread;
	u32 index;
	int fd;
	u64 ctx, random;
	u32 free_count;
	struct slot *free[DEPTH_MAX];
	struct slot slot[DEPTH_MAX];
	/* Generation of each record that a successful write left; 0: unknown. */
	u32 known[RECORDS_MAX];
	u32 order[RECORDS_MAX];
} LINE_ALIGNED;

struct w002_stats w002_stats[W002_FILES_MAX] LINE_ALIGNED;
static struct file files[W002_FILES_MAX];
static bool pinned;
static u64 cpu[2];
static u64 nr_files, records, record_bytes, depth, stages, synchronous, timeout_us;

static struct w002_stats *stats_of(const struct file *file)
{
	return &w002_stats[file->index];
}

static bool writes(u64 stage)
{
	return stage % 2 == 0;
}

static u32 generation_of(u64 stage)
{
	return stage + 1;
}

/* The first word of a sector says whose it is. */
static u64 word_of(const struct file *file, u64 record, u64 sector, u32 generation)
{
	return (u64)generation << 56 | (u64)file->index << 48 | record << 16 | sector;
}

static void fill(struct file *file, struct slot *slot, u64 stage)
{
	for (u64 i = 0; i < record_bytes / SECTOR; i++)
		*(u64 *)(slot->buffer + i * SECTOR) =
			word_of(file, slot->record, i, generation_of(stage));
}

static void verify(struct file *file, const struct slot *slot)
{
	u32 generation = file->known[slot->record];

	for (u64 i = 0; generation && i < record_bytes / SECTOR; i++)
		stats_of(file)->wrong += *(const u64 *)(slot->buffer + i * SECTOR) !=
					 word_of(file, slot->record, i, generation);
}

static void finish(struct file *file, struct slot *slot, s64 result, u64 stage)
{
	struct w002_stats *stats = stats_of(file);

	stats->events++;
	stats->full += result == (s64)record_bytes;
	stats->eio += result == -EIO;
	stats->other += result != (s64)record_bytes && result != -EIO;
	if (writes(stage))
		file->known[slot->record] = result == (s64)record_bytes ? generation_of(stage) : 0;
	else if (result == (s64)record_bytes)
		verify(file, slot);
}

static void prepare(struct file *file, struct slot *slot, u64 record, u64 stage)
{
	slot->record = record;
	if (writes(stage)) {
		fill(file, slot, stage);
		file->known[record] = 0;
	}
	slot->iocb = (struct iocb){
		.aio_data = (u64)slot,
		.aio_lio_opcode = writes(stage) ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
		.aio_fildes = file->fd,
		.aio_buf = (u64)slot->buffer,
		.aio_nbytes = record_bytes,
		.aio_offset = record * record_bytes,
	};
}

/* Up to a batch of the records from `next` on. */
static u64 submit(struct file *file, u64 next, u64 stage)
{
	struct iocb *batch[BATCH];
	long count = 0, result;

	while (count < BATCH && next + count < records && file->free_count) {
		struct slot *slot = file->free[--file->free_count];

		prepare(file, slot, file->order[next + count], stage);
		batch[count++] = &slot->iocb;
	}
	/* Before the call: a request may end, and its thread hang, in it. */
	stats_of(file)->submitted += count;
	result = sys_io_submit(file->ctx, count, batch);
	if (result != count)
		die("w002: io_submit: %ld of %ld\n", result, count);
	return count;
}

/* False: nothing came in time. */
static bool take(struct file *file, u64 *pending, u64 stage)
{
	struct io_event events[BATCH];
	long wanted = *pending < BATCH ? *pending : BATCH;
	s64 limit[2] = { timeout_us / 1000000, timeout_us % 1000000 * 1000 };
	long count = sys_io_getevents_timed(file->ctx, wanted, BATCH, events,
					    timeout_us ? limit : NULL);

	if (count < 0)
		die("w002: io_getevents: %ld\n", count);
	for (long i = 0; i < count; i++) {
		struct slot *slot = (struct slot *)events[i].data;

		if (events[i].obj != (u64)&slot->iocb)
			die("w002: an event of another request\n");
		finish(file, slot, events[i].res, stage);
		file->free[file->free_count++] = slot;
	}
	*pending -= count;
	return count == wanted || (count && timeout_us);
}

static bool run_stage(struct file *file, u64 stage)
{
	u64 next = 0, pending = 0;

	while (next < records || pending) {
		while (next < records && file->free_count >= BATCH) {
			u64 count = submit(file, next, stage);

			next += count;
			pending += count;
		}
		if (!take(file, &pending, stage))
			return false;
	}
	return true;
}

static void run_stage_synchronously(struct file *file, u64 stage)
{
	struct slot *slot = &file->slot[0];

	for (u64 i = 0; i < records; i++) {
		u64 position = file->order[i] * record_bytes;
		long result;

		prepare(file, slot, file->order[i], stage);
		stats_of(file)->submitted++;
		if (writes(stage))
			result = sys_pwrite(file->fd, slot->buffer, record_bytes, position);
		else
			result = sys_pread(file->fd, slot->buffer, record_bytes, position);
		finish(file, slot, result, stage);
	}
}

/* The two last stages go through the records in an order of their own. */
static void order_records(struct file *file, u64 stage)
{
	for (u32 i = 0; i < records; i++)
		file->order[i] = i;
	for (u32 i = records - 1; stage >= 2 && i; i--) {
		u32 j = random_below(&file->random, i + 1);
		u32 other = file->order[j];

		file->order[j] = file->order[i];
		file->order[i] = other;
	}
}

static void run(void *argument)
{
	struct file *file = argument;
	struct w002_stats *stats = stats_of(file);
	bool complete = true;
	long result;

	if (pinned)
		pin_to_cpu(cpu[file->index % 2]);
	stats->state = W002_WORKS;
	for (u32 i = 0; i < depth; i++) {
		file->slot[i].buffer = sys_mmap(record_bytes);
		file->free[file->free_count++] = &file->slot[i];
	}
	result = sys_io_setup(depth, &file->ctx);
	if (result)
		die("w002: io_setup: %ld\n", result);
	for (u64 stage = 0; stage < STAGES && complete; stage++) {
		stats->stage = stage;
		if (!(stages >> stage & 1))
			continue;
		order_records(file, stage);
		if (synchronous)
			run_stage_synchronously(file, stage);
		else
			complete = run_stage(file, stage);
	}
	stats->state = W002_DESTROYS;
	result = sys_io_destroy(file->ctx);
	if (result)
		die("w002: io_destroy: %ld\n", result);
	stats->state = W002_ENDED;
}

int main(void)
{
	static char path[] = "/dev/vd0";
	u64 first = option("first", 0);

	nr_files = option("files", 1);
	records = option("records", 64);
	record_bytes = option("record", 65536);
	depth = option("depth", DEPTH_MAX);
	stages = option("stages", 15);
	synchronous = option("sync", 0);
	timeout_us = option("timeout", 0);
	pinned = option_string("a", NULL);
	cpu[0] = option("a", 0);
	cpu[1] = option("b", cpu[0]);
	if (!nr_files || nr_files + first > W002_FILES_MAX || !records || records > RECORDS_MAX)
		die("w002: files= 1 to %d, records= 1 to %d\n", W002_FILES_MAX, RECORDS_MAX);
	if (depth < BATCH || depth > DEPTH_MAX || !record_bytes || record_bytes % SECTOR)
		die("w002: depth= %d to %d, record= in sectors\n", BATCH, DEPTH_MAX);
	for (u32 i = 0; i < nr_files; i++) {
		files[i].index = i;
		files[i].random = option("seed", 1) * 1000003 + i;
		path[7] = '0' + first + i;
		files[i].fd = sys_open(path);
		if (files[i].fd < 0)
			die("w002: %s: error %d\n", path, -files[i].fd);
	}
	for (u32 i = 0; i < nr_files; i++)
		thread_start(&files[i].thread, run, &files[i]);
	for (u32 i = 0; i < nr_files; i++)
		thread_join(&files[i].thread);
	for (u32 i = 0; i < nr_files; i++) {
		const struct w002_stats *s = &w002_stats[i];

		print("w002 file %u: submitted=%lu events=%lu full=%lu eio=%lu other=%lu "
		      "wrong=%lu\n",
		      i, s->submitted, s->events, s->full, s->eio, s->other, s->wrong);
	}
	return 0;
}
