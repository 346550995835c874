/*
 * Checks the kernel from outside: results and errors of the system calls, threads on every CPU,
 * the end of a process whose other threads are running or asleep. Also runs natively, without
 * what needs /data.
 *
 *     syscheck [fault=read|jump|sse]     fault: ends by an exception instead
 */
#include <mini.h>

#define EFAULT 14
#define EBADF 9
#define EINVAL 22
#define EAGAIN 11
#define ENOSYS 38
#define THREADS_MAX 64
#define INCREMENTS 2000
#define BAD_ADDRESS 0x123456789000ul
#define PAGE 4096

static u32 passed;

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			die("syscheck: line %d: %s\n", __LINE__, #condition);                      \
		passed++;                                                                          \
	} while (0)

static u64 counter LINE_ALIGNED;
static struct thread threads[THREADS_MAX];
static u32 never;

static void add_on_cpu(void *cpu)
{
	if (pin_to_cpu((u64)cpu) < 0)
		die("syscheck: CPU %lu\n", (u64)cpu);
	for (u32 i = 0; i < INCREMENTS; i++)
		__atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST);
}

/* On a CPU of its own: there is no tick that would ever let another task have it back. */
static void spin_for_ever(void *cpu)
{
	if (pin_to_cpu((u64)cpu) < 0)
		die("syscheck: CPU %lu\n", (u64)cpu);
	for (;;)
		asm volatile("pause");
}

static void sleep_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		sys_futex_wait(&never, 0);
}

static void check_threads(void)
{
	u64 allowed = allowed_cpus();
	u32 count = 0;

	for (u64 cpu = 0; cpu < THREADS_MAX; cpu++)
		if (allowed >> cpu & 1)
			thread_start(&threads[count++], add_on_cpu, (void *)cpu);
	for (u32 i = 0; i < count; i++)
		thread_join(&threads[i]);
	CHECK(counter == (u64)count * INCREMENTS);
}

static void check_errors(void)
{
	u32 word = 5;
	u64 ctx = 0;

	CHECK(sys_write(77, "x", 1) == -EBADF);
	CHECK(sys_write(1, (void *)BAD_ADDRESS, 1) == -EFAULT);
	CHECK(sys_open((void *)BAD_ADDRESS) == -EFAULT);
	CHECK(SYSCALL(999) == -ENOSYS);
	CHECK(sys_futex_wait(&word, 6) == -EAGAIN);
	CHECK(sys_futex_wake(&word, 1) == 0);
	CHECK(sys_io_setup(0, &ctx) == -EINVAL);
	CHECK(sys_io_setup(8, (u64 *)BAD_ADDRESS) == -EFAULT);
	CHECK(sys_io_destroy(12345) == -EINVAL);
	CHECK(SYSCALL(203, 0, sizeof(ctx), &ctx) == -EINVAL); /* no CPU at all */
}

static void check_memory(void)
{
	u8 *page = sys_mmap(3 * PAGE);

	for (u32 i = 0; i < 3 * PAGE; i += PAGE / 2)
		CHECK(page[i] == 0);
	page[3 * PAGE - 1] = 1;
	CHECK(sys_mmap(1) != page);
}

static void check_file(int fd)
{
	u8 *page = sys_mmap(2 * PAGE);
	u64 *words = (u64 *)page;

	CHECK(sys_pread(fd, page, PAGE, 3 * PAGE) == PAGE);
	CHECK(words[0] == 3);
	CHECK(sys_pread(fd, page, 16, 3 * PAGE + 8) == 16);
	CHECK(sys_pread(fd, page, 2 * PAGE, 15 * PAGE) == PAGE); /* the file has 16 pages */
	CHECK(words[0] == 15);
	CHECK(sys_pread(fd, page, PAGE, 16 * PAGE) == 0);
	CHECK(sys_pread(fd, (void *)BAD_ADDRESS, PAGE, 0) == -EFAULT);
}

/* One thread submits and reaps: several events at once, and more than the ring holds. */
static void check_aio(int fd)
{
	u8 *page = sys_mmap(PAGE);
	struct iocb iocbs[4] = { 0 }, *list[4];
	struct io_event events[4];
	u64 ctx = 0;
	long accepted = 0;

	CHECK(sys_io_setup(4, &ctx) == 0);
	for (u32 i = 0; i < 4; i++) {
		iocbs[i].aio_data = i;
		iocbs[i].aio_fildes = fd;
		iocbs[i].aio_buf = (u64)page;
		iocbs[i].aio_nbytes = 100 * (i + 1);
		list[i] = &iocbs[i];
	}
	CHECK(sys_io_submit(ctx, 4, list) == 4);
	CHECK(sys_io_getevents(ctx, 1, 3, events) == 3);
	CHECK(events[2].data == 2 && events[2].res == 300 && events[2].obj == (u64)list[2]);
	CHECK(sys_io_getevents(ctx, 1, 4, events) == 1);
	CHECK(events[0].res == 400);

	iocbs[0].aio_fildes = 77;
	CHECK(sys_io_submit(ctx, 1, list) == -EBADF);
	iocbs[0].aio_fildes = fd;
	iocbs[0].aio_lio_opcode = 99;
	CHECK(sys_io_submit(ctx, 1, list) == -EINVAL);
	iocbs[0].aio_lio_opcode = IOCB_CMD_PREAD;
	while (sys_io_submit(ctx, 1, list) == 1)
		accepted++;
	CHECK(accepted >= 4);
	CHECK(sys_io_submit(ctx, 1, list) == -EAGAIN);
	CHECK(sys_io_destroy(ctx) == 0);
	CHECK(sys_io_submit(ctx, 1, list) == -EINVAL);
}

static void fault(const char *kind)
{
	if (same_text(kind, "read"))
		READ_ONCE(*(u64 *)BAD_ADDRESS);
	else if (same_text(kind, "jump"))
		((void (*)(void))BAD_ADDRESS)();
	else if (same_text(kind, "sse"))
		asm volatile("movaps %xmm0, %xmm1");
	die("fault=read, jump or sse\n");
}

int main(void)
{
	const char *kind = option_string("fault", NULL);
	int fd = sys_open("/data");

	if (kind)
		fault(kind);
	check_errors();
	check_memory();
	if (fd >= 0) {
		check_file(fd);
		check_aio(fd);
	}
	check_threads();

	/* The end must find a thread that runs and one that sleeps. */
	thread_start(&threads[0], sleep_for_ever, NULL);
	for (u64 cpu = 1; cpu < THREADS_MAX; cpu++) {
		if (allowed_cpus() >> cpu & allowed_cpus() & 1) {
			thread_start(&threads[1], spin_for_ever, (void *)cpu);
			break;
		}
	}
	print("syscheck: %u passed\n", passed);
	return 0;
}
