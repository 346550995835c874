/*
 * aio-stress: asynchronous reads and writes of raw disks, many at a time, every byte checked.
 *
 *     aiostress [disks=30] [threads=DISKS] [requests=1000] [depth=16] [record=4096] [region=256]
 *               [files=0] [think=1000] [bad=DISK:rw:FIRST-LAST,...] [pulled=DISK,...]
 *
 * The first `files` of the disks are files instead, by O_DIRECT and through the page cache in turn;
 * then the first raw disk is the second one, because the file system has the first. A request that
 * touches a sector said to be bad must fail, any other must not (aiostress-errors.h).
 *
 * Thread i works on the disks i, i + threads, ... in turn, with an AIO context of its own, and
 * keeps `depth` requests under way, each of 1 to record/512 sectors; before each call of io_submit
 * it works less than `think` turns of PAUSE. A region of 256 records a disk is divided among the
 * slots, so that no two requests under way overlap: what a read must return is then known exactly.
 * Every sector says in each of its words which disk, sector and generation it is; a sector whose
 * write failed may hold the old or the new generation, and is written anew.
 */
#include <mini.h>

#define SECTOR 512
#define WORDS (SECTOR / 8)
#define DISKS_MAX 60
#define DEPTH_MAX 64
#define SECTORS_MAX 64 /* of a request */
#define EIO 5
#define PAGE_SECTORS 8

static u64 disks, nr_threads, requests, depth, record_sectors, region_sectors, files, think;

/* Generation of each sector of a disk's region; 0: never written. */
static u32 *generation[DISKS_MAX];
static int fds[DISKS_MAX];

struct slot {
	struct iocb iocb;
	u64 *buffer;
	u32 disk, sector, sectors, generation;
	bool write, after_end; /* the drive was gone before */
};

struct worker {
	struct thread thread;
	u32 index;
	u64 random, done, errors, bytes;
	struct slot slot[DEPTH_MAX];
} LINE_ALIGNED;

static struct worker workers[DISKS_MAX];

#include "aiostress-errors.h"
#include "aiostress-open.h"

static u64 word_of(u32 disk, u32 sector, u32 generation, u32 i)
{
	u64 word = (u64)generation << 40 | (u64)disk << 32 | sector;

	return generation ? word ^ (u64)i * 0x9e3779b97f4a7c15 : 0;
}

static void fill(struct slot *slot)
{
	for (u32 s = 0; s < slot->sectors; s++)
		for (u32 i = 0; i < WORDS; i++)
			slot->buffer[s * WORDS + i] =
				word_of(slot->disk, slot->sector + s, slot->generation, i);
}

static void verify(const struct slot *slot, u32 sectors)
{
	for (u32 s = 0; s < sectors; s++) {
		u32 sector = slot->sector + s;
		u32 expected = generation[slot->disk][sector];

		for (u32 i = 0; i < WORDS; i++) {
			u64 found = slot->buffer[s * WORDS + i];

			if (found != word_of(slot->disk, sector, expected, i))
				die("aiostress: disk %u sector %u word %u: %lx, not of %u\n",
				    slot->disk, sector, i, found, expected);
		}
	}
}

/* The next request of a slot: its share of the region is `depth`-th part of it. */
static struct iocb *prepare(struct worker *worker, struct slot *slot)
{
	u32 number = slot - worker->slot;
	u32 mine = (disks - worker->index + nr_threads - 1) / nr_threads;
	u32 share = region_sectors / depth;
	u32 offset;

	slot->disk = worker->index + nr_threads * random_below(&worker->random, mine);
	slot->sectors = 1 + random_below(&worker->random, record_sectors);
	offset = random_below(&worker->random, share - slot->sectors + 1);
	slot->sector = number * share + offset;
	slot->write = random_below(&worker->random, 2);
	slot->after_end = is_gone[slot->disk];
	slot->generation = 1 + random_below(&worker->random, 1 << 20);
	if (slot->write)
		fill(slot);
	slot->iocb = (struct iocb){
		.aio_data = number,
		.aio_lio_opcode = slot->write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
		.aio_fildes = fds[slot->disk],
		.aio_buf = (u64)slot->buffer,
		.aio_nbytes = (u64)slot->sectors * SECTOR,
		.aio_offset = (u64)slot->sector * SECTOR,
	};
	return &slot->iocb;
}

/* What a write that failed left is unknown: its sectors, but for the first `done`, are written by a
 * plain write, until that succeeds or it is clear that they cannot be written: then nobody reads
 * them. */
static void mend(struct slot *slot, u32 done)
{
	for (u32 s = done; s < slot->sectors; s++) {
		u32 sector = slot->sector + s;
		long wrote = sys_pwrite(fds[slot->disk], slot->buffer + s * WORDS, SECTOR,
					(u64)sector * SECTOR);

		if (wrote != SECTOR && wrote != -EIO)
			die("aiostress: pwrite: %ld\n", wrote);
		check_answer(slot->disk, true, sector, 1, wrote == -EIO, is_gone[slot->disk]);
		if (wrote == SECTOR)
			generation[slot->disk][sector] = slot->generation;
	}
}

static void finish(struct worker *worker, const struct io_event *event)
{
	struct slot *slot = &worker->slot[event->data];
	u32 done;

	if (event->obj != (u64)&slot->iocb)
		die("aiostress: an event of another request\n");
	worker->done++;
	done = sectors_done(slot->disk, slot->write, slot->sector, slot->sectors, event->res);
	check_answer(slot->disk, slot->write, slot->sector, slot->sectors, done < slot->sectors,
		     slot->after_end);
	worker->bytes += done * SECTOR;
	if (!slot->write)
		verify(slot, done);
	for (u32 s = 0; s < done && slot->write; s++)
		generation[slot->disk][slot->sector + s] = slot->generation;
	if (done == slot->sectors)
		return;
	worker->errors++;
	if (slot->write)
		mend(slot, done);
}

static void run(void *argument)
{
	struct worker *worker = argument;
	struct io_event events[DEPTH_MAX];
	struct iocb *batch[DEPTH_MAX];
	u64 under_way = 0, submitted = 0, ctx = 0;
	u64 wanted = requests / nr_threads + (worker->index < requests % nr_threads);
	u32 count = 0;
	long result;

	result = sys_io_setup(depth, &ctx);
	if (result)
		die("aiostress: io_setup: %ld\n", result);
	while (count < depth && count < wanted) {
		worker->slot[count].buffer = sys_mmap(SECTORS_MAX * SECTOR);
		batch[count] = prepare(worker, &worker->slot[count]);
		count++;
	}
	while (worker->done < wanted) {
		if (count) {
			think_below(&worker->random, think);
			result = sys_io_submit(ctx, count, batch);
			if (result != count)
				die("aiostress: io_submit: %ld of %u\n", result, count);
			submitted += count;
			under_way += count;
			count = 0;
		}
		result = sys_io_getevents(ctx, 1, depth, events);
		if (result < 1)
			die("aiostress: io_getevents: %ld\n", result);
		under_way -= result;
		for (long i = 0; i < result; i++) {
			finish(worker, &events[i]);
			if (submitted + count < wanted)
				batch[count++] = prepare(worker, &worker->slot[events[i].data]);
		}
	}
	result = sys_io_destroy(ctx);
	if (result || under_way)
		die("aiostress: io_destroy: %ld, %lu under way\n", result, under_way);
}

int main(void)
{
	u64 done = 0, errors = 0, bytes = 0, gone = 0;

	disks = option("disks", 30);
	nr_threads = option("threads", disks);
	requests = option("requests", 1000);
	depth = option("depth", 16);
	record_sectors = option("record", 4096) / SECTOR;
	region_sectors = option("region", 256) * record_sectors;
	files = option("files", 0);
	think = option("think", 1000);
	if (!disks || disks > DISKS_MAX || !nr_threads || nr_threads > disks)
		die("aiostress: disks= 1 to %u, threads= 1 to disks\n", DISKS_MAX);
	if (!depth || depth > DEPTH_MAX || !record_sectors || record_sectors > SECTORS_MAX)
		die("aiostress: depth= 1 to %u, record= 512 to %u\n", DEPTH_MAX,
		    SECTORS_MAX * SECTOR);
	if (region_sectors / depth < record_sectors)
		die("aiostress: region= is too small for that depth\n");
	if (files > disks || region_sectors % PAGE_SECTORS)
		die("aiostress: files= at most disks=, region= of whole pages\n");
	read_errors();
	for (u32 disk = 0; disk < disks; disk++) {
		fds[disk] = disk < files ? open_file(disk) : open_disk(disk - files + !!files);
		generation[disk] = sys_mmap(region_sectors * sizeof(u32));
	}
	for (u32 i = 0; i < nr_threads; i++) {
		workers[i].index = i;
		workers[i].random = option("seed", 1) * 1000003 + i;
		thread_start(&workers[i].thread, run, &workers[i]);
	}
	for (u32 i = 0; i < nr_threads; i++) {
		thread_join(&workers[i].thread);
		done += workers[i].done;
		errors += workers[i].errors;
		bytes += workers[i].bytes;
	}
	for (u32 disk = 0; disk < disks; disk++)
		gone += is_gone[disk];
	print("aiostress: %lu requests, %lu bytes verified or written, %lu drives gone, "
	      "%lu errors\n", done, bytes, gone, errors);
	return 0;
}
