/*
 * Checks the file system from outside: what reads and writes of a file are answered, how large it
 * is then and what it holds, by O_DIRECT and through the page cache, with and without io_submit.
 *
 *     fscheck     (boot parameter fs=1)
 */
#include <mini.h>

#define O_DIRECT 0x4000
#define PAGE 4096
#define BYTES (8 * PAGE)

static char shadow[BYTES];
static u64 size, ctx;
static int cached, tried;
static bool direct, async;
static u8 buffer[BYTES + PAGE];
static u32 passed;

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			die("fscheck: line %d, direct %d, async %d: %s\n", __LINE__, direct,       \
			    async, #condition);                                                    \
		passed++;                                                                          \
	} while (0)

/* O_DIRECT wants the memory in whole sectors, too. */
static char *aligned(void)
{
	return (char *)(((u64)buffer + PAGE - 1) & ~(u64)(PAGE - 1));
}

static long answer(u32 opcode, u64 bytes, u64 position)
{
	struct io_event event = { 0 };
	struct iocb iocb = {
		.aio_lio_opcode = opcode,
		.aio_fildes = tried,
		.aio_buf = (u64)aligned(),
		.aio_nbytes = bytes,
		.aio_offset = position,
	};
	struct iocb *list[] = { &iocb };

	if (!async)
		return opcode == IOCB_CMD_PREAD ? sys_pread(tried, aligned(), bytes, position) :
						  sys_pwrite(tried, aligned(), bytes, position);
	CHECK(sys_io_submit(ctx, 1, list) == 1);
	CHECK(sys_io_getevents(ctx, 1, 1, &event) == 1);
	return event.res;
}

static u64 wrong(u64 bytes, u64 position)
{
	u64 count = 0;

	for (u64 i = 0; i < bytes; i++)
		count += aligned()[i] != shadow[position + i];
	return count;
}

/* Else what a write has left in the buffer would do for a read. */
static void forget(void)
{
	for (u64 i = 0; i < BYTES; i++)
		aligned()[i] = '?';
}

/* What there is of `bytes` at `position`. */
static void check_read(u64 bytes, u64 position)
{
	u64 left = position < size ? size - position : 0;
	u64 expected = bytes < left ? bytes : left;

	forget();
	CHECK(answer(IOCB_CMD_PREAD, bytes, position) == (long)expected);
	CHECK(wrong(expected, position) == 0);
}

/* All of it, as the page cache sees it, and up to the end of the file. */
static void check_file(void)
{
	forget();
	CHECK(sys_pread(cached, aligned(), BYTES, 0) == (long)size);
	CHECK(wrong(size, 0) == 0);
	check_read(BYTES, 0);
}

static void check_write(u64 bytes, u64 position)
{
	for (u64 i = 0; i < bytes; i++)
		shadow[position + i] = aligned()[i] = 'a' + (position + i + bytes) % 26;
	if (size < position + bytes)
		size = position + bytes;
	CHECK(answer(IOCB_CMD_PWRITE, bytes, position) == (long)bytes);
	check_file();
}

static void check_truncate(u64 to)
{
	for (u64 i = to; i < size; i++)
		shadow[i] = 0;
	size = to;
	CHECK(sys_ftruncate(cached, to) == 0);
	check_file();
}

static void check_all(const char *path)
{
	cached = sys_open_flags(path, 0);
	tried = direct ? sys_open_flags(path, O_DIRECT) : cached;
	CHECK(cached >= 0 && tried >= 0);
	for (u64 i = 0; i < BYTES; i++)
		shadow[i] = 0;
	size = 0;

	check_file();
	check_write(512, 512);		    /* the first block of the file */
	check_write(512, 1536);		    /* in it, and beyond the end of the file */
	check_write(1024, 1536);	    /* over the end, all in the block */
	check_write(1024, 0);		    /* wholly inside */
	check_write(PAGE, 2048);	    /* the block's rest, and a new one */
	check_write(PAGE, 3 * PAGE + 512);  /* beyond a hole */
	check_write(3 * PAGE, PAGE + 1024); /* through it */
	check_truncate(2 * PAGE + 1000);
	check_read(PAGE, 2 * PAGE + 512);   /* over the end, which is in a sector */
	check_read(512, 3 * PAGE);	    /* behind it */
	check_write(512, 2 * PAGE + 1536);  /* in the last block, and beyond the end */
	check_truncate(5 * PAGE);
	check_write(512, 4 * PAGE + 512);   /* in a hole up to the end */
	check_truncate(0);
	check_write(512, 0);
}

int main(void)
{
	char path[] = "/fs/c0";

	CHECK(sys_io_setup(4, &ctx) == 0);
	for (u32 way = 0; way < 4; way++) {
		direct = way & 1;
		async = way & 2;
		path[5] = '0' + way;
		check_all(path);
	}
	CHECK(sys_io_destroy(ctx) == 0);
	print("fscheck: %u checks\n", passed);
	return 0;
}
