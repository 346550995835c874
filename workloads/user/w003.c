/*
 * W003: archive-log writers on a journalled file system, and others that use it.
 *
 *     w003 [oracle=7] [iozone=16] [pdflush=1] [ls=1] [rounds=100] [bytes=1048576]
 *          [offset=11534848] [holes=1] [extend=0] [sync=0] [bad=0] [think=1000]
 *
 * A writer ("oracle") appends to its log by asynchronous O_DIRECT writes, one at a time, from a
 * buffer that begins 0xe00 bytes into a page, at offsets that end in 0x200. The block that holds
 * the offset is there, since the write before ended in it; what follows is a hole within the file.
 * holes=0: it was written before. extend: the file ends with that block. sync: pwrite. bad: that
 * block cannot be written, so it is only given its place before. All logs are made first, in turn.
 * Before each write a writer works less than `think` turns of PAUSE.
 * The others rewrite files of their own (iozone), write dirty inodes (pdflush), read the directory
 * (ls), until the writers are done. Tasks are given to the CPUs in turn, because the kernel moves
 * none that is there: those that sleep while others begin would share a CPU.
 */
#include <mini.h>

#include <w003-stats.h>

#define BLOCK 4096
#define SECTOR 512
#define BUFFER_OFFSET 0xe00
#define TASKS_MAX 240
#define NAP_US 200
#define IOZONE_BLOCKS 4
#define O_DIRECT 0x4000
#define DIRENTS_BYTES 16384
#define EIO 5

struct task {
	struct thread thread;
	u32 number, index; /* of its kind, of all */
	u64 random;
} LINE_ALIGNED;

struct w003_stats w003_stats LINE_ALIGNED;
static struct task tasks[TASKS_MAX];
static u32 nr_tasks;
static u64 writers, rounds, bytes, first_offset, holes, extend, synchronous, bad, think;
static u8 *buffer; /* of all writers: nobody looks at what they write */
static u32 stop;

static void add(unsigned long *place, u64 amount)
{
	__atomic_fetch_add(place, amount, __ATOMIC_RELAXED);
}

static void rename_task(const char *name)
{
	SYSCALL(157, 15, name);
}

static void open_file(int *fd, const char *kind, u32 number, u32 flags)
{
	struct mini_line path = { .length = 0 };

	for (const char *at = "/fs/"; *at; at++)
		mini_put(&path, *at);
	while (*kind)
		mini_put(&path, *kind++);
	mini_put_number(&path, number, 10);
	mini_put(&path, 0);
	*fd = sys_open_flags(path.text, flags);
	if (*fd < 0)
		die("w003: %s: error %d\n", path.text, -*fd);
}

/* So that the block which holds the first offset is there, and behind it what the options say. */
static void prepare_log(u32 number)
{
	u64 block = first_offset / BLOCK * BLOCK;
	u64 end = first_offset + rounds * bytes;
	long result;
	int cached;

	open_file(&cached, "log", number, 0);
	result = sys_ftruncate(cached, extend ? block + BLOCK : end);
	if (result)
		die("w003: ftruncate: %ld\n", result);
	for (u64 at = block; at < (holes ? block + BLOCK : end); at += BLOCK) {
		result = sys_pwrite(cached, buffer, BLOCK, at);
		if (result != (bad ? -EIO : BLOCK))
			die("w003: pwrite: %ld\n", result);
	}
	SYSCALL(3, cached);
}

static void begin(const struct task *task, const char *name)
{
	rename_task(name);
	bind_softly(task->index);
}

static void count_answer(s64 result)
{
	add(&w003_stats.events, 1);
	add(result == (s64)bytes ? &w003_stats.full : &w003_stats.other, 1);
	if (result == -EIO)
		add(&w003_stats.eio, 1);
}

static void write_once(u64 ctx, struct iocb *iocb)
{
	struct iocb *list[1] = { iocb };
	struct io_event event;
	long result;

	add(&w003_stats.submitted, 1);
	if (synchronous) {
		event.res = sys_pwrite(iocb->aio_fildes, (void *)iocb->aio_buf, iocb->aio_nbytes,
				       iocb->aio_offset);
	} else {
		result = sys_io_submit(ctx, 1, list);
		if (result != 1)
			die("w003: io_submit: %ld\n", result);
		result = sys_io_getevents(ctx, 1, 1, &event);
		if (result != 1)
			die("w003: io_getevents: %ld\n", result);
	}
	count_answer(event.res);
}

static void oracle(void *argument)
{
	struct task *task = argument;
	u64 ctx = 0;
	long result;
	int fd;

	begin(task, "oracle");
	open_file(&fd, "log", task->number, O_DIRECT);
	result = sys_io_setup(1, &ctx);
	if (result)
		die("w003: io_setup: %ld\n", result);
	for (u64 i = 0; i < rounds; i++) {
		struct iocb iocb = {
			.aio_lio_opcode = IOCB_CMD_PWRITE,
			.aio_fildes = fd,
			.aio_buf = (u64)buffer + BUFFER_OFFSET,
			.aio_nbytes = bytes,
			.aio_offset = first_offset + i * bytes,
		};

		think_below(&task->random, think);
		write_once(ctx, &iocb);
	}
	add(&w003_stats.ended, 1);
	if (READ_ONCE(w003_stats.ended) == writers)
		WRITE_ONCE(stop, 1);
}

static void iozone(void *argument)
{
	const struct task *task = argument;
	u64 at = 0;
	int fd;

	begin(task, "iozone");
	open_file(&fd, "ioz", task->number, 0);
	while (!READ_ONCE(stop)) {
		long result = sys_pwrite(fd, buffer, BLOCK, at);

		if (result != BLOCK)
			die("w003: iozone: %ld\n", result);
		add(&w003_stats.handles, 1);
		at = (at + BLOCK) % (IOZONE_BLOCKS * BLOCK);
	}
}

/* Sleeps: an io_getevents that nothing comes for. */
static void nap(u64 ctx)
{
	s64 limit[2] = { 0, NAP_US * 1000 };
	struct io_event event;

	sys_io_getevents_timed(ctx, 1, 1, &event, limit);
}

static void pdflush(void *argument)
{
	u64 ctx = 0;

	begin(argument, "pdflush");
	sys_io_setup(1, &ctx);
	while (!READ_ONCE(stop)) {
		SYSCALL(162);
		add(&w003_stats.handles, 1);
		nap(ctx);
	}
}

static void ls(void *argument)
{
	u8 *names = sys_mmap(DIRENTS_BYTES);
	int fd = sys_open("/fs");
	u64 ctx = 0;

	begin(argument, "ls");
	if (fd < 0)
		die("w003: /fs: error %d\n", -fd);
	sys_io_setup(1, &ctx);
	while (!READ_ONCE(stop)) {
		long result = SYSCALL(217, fd, names, DIRENTS_BYTES);

		if (result < 0)
			die("w003: getdents64: %ld\n", result);
		add(&w003_stats.handles, 1);
		nap(ctx);
	}
}

static void start(void (*run)(void *), u64 count)
{
	for (u64 i = 0; i < count; i++) {
		struct task *task = &tasks[nr_tasks];

		*task = (struct task){ .number = i, .index = nr_tasks++ };
		task->random = option("seed", 1) * 1000003 + nr_tasks;
		thread_start(&task->thread, run, task);
	}
}

int main(void)
{
	u64 others = option("iozone", 16) + option("pdflush", 1) + option("ls", 1);

	writers = option("oracle", 7);
	rounds = option("rounds", 100);
	bytes = option("bytes", 1 << 20);
	first_offset = option("offset", 0xb00200);
	holes = option("holes", 1);
	extend = option("extend", 0);
	synchronous = option("sync", 0);
	bad = option("bad", 0);
	think = option("think", 1000);
	if (!writers || writers + others > TASKS_MAX)
		die("w003: at most %d tasks, one of them oracle\n", TASKS_MAX);
	if (bytes < BLOCK || bytes % SECTOR || first_offset % SECTOR)
		die("w003: bytes= and offset= in sectors, and bytes= at least a block\n");
	buffer = sys_mmap(bytes + 2 * BLOCK);
	for (u64 i = 0; i < writers; i++)
		prepare_log(i);
	start(oracle, writers);
	start(iozone, option("iozone", 16));
	start(pdflush, option("pdflush", 1));
	start(ls, option("ls", 1));
	for (u32 i = 0; i < nr_tasks; i++)
		thread_join(&tasks[i].thread);
	print("w003 submitted=%lu events=%lu full=%lu other=%lu handles=%lu ended=%lu eio=%lu\n",
	      w003_stats.submitted, w003_stats.events, w003_stats.full, w003_stats.other,
	      w003_stats.handles, w003_stats.ended, w003_stats.eio);
	return 0;
}
