/*
 * Types and raw system calls for freestanding programs: Linux's numbers for x86-64, results and
 * negative errors as the kernel returns them. Part of mini.h.
 */
#ifndef MINI_SYS_H
#define MINI_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define MINI_FN static inline __attribute__((unused))
#define CACHE_LINE 64
#define LINE_ALIGNED __attribute__((aligned(CACHE_LINE)))
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

MINI_FN long syscall6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 asm("r10") = d;
	register long r8 asm("r8") = e;
	register long r9 asm("r9") = f;
	long result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
	return result;
}

#define SYSCALL(number, ...) SYSCALL_PAD(number, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define SYSCALL_PAD(number, a, b, c, d, e, f, ...)                                                 \
	syscall6(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

MINI_FN long sys_write(int fd, const void *from, size_t bytes)
{
	return SYSCALL(1, fd, from, bytes);
}

MINI_FN long sys_open(const char *path)
{
	return SYSCALL(257, -100, path, 0);
}

MINI_FN long sys_open_flags(const char *path, u32 flags)
{
	return SYSCALL(257, -100, path, flags);
}

MINI_FN long sys_ftruncate(int fd, u64 size)
{
	return SYSCALL(77, fd, size);
}

MINI_FN long sys_pread(int fd, void *to, size_t bytes, u64 position)
{
	return SYSCALL(17, fd, to, bytes, position);
}

MINI_FN long sys_pwrite(int fd, const void *from, size_t bytes, u64 position)
{
	return SYSCALL(18, fd, from, bytes, position);
}

/* Zeroed memory. */
MINI_FN void *sys_mmap(size_t bytes)
{
	/* Read and write, private and anonymous. */
	return (void *)SYSCALL(9, 0, bytes, 3, 0x22, -1, 0);
}

MINI_FN void sys_sched_yield(void)
{
	SYSCALL(24);
}

MINI_FN void sys_pause(void)
{
	SYSCALL(34);
}

MINI_FN long sys_gettid(void)
{
	return SYSCALL(186);
}

MINI_FN __attribute__((noreturn)) void sys_exit(int code)
{
	for (;;)
		SYSCALL(60, code);
}

MINI_FN __attribute__((noreturn)) void sys_exit_group(int code)
{
	for (;;)
		SYSCALL(231, code);
}

MINI_FN long sys_futex_wait(u32 *word, u32 value)
{
	return SYSCALL(202, word, 0, value, 0);
}

MINI_FN long sys_futex_wake(u32 *word, u32 count)
{
	return SYSCALL(202, word, 1, count);
}

/* Puts the calling thread on one CPU. */
MINI_FN long pin_to_cpu(u32 cpu)
{
	u64 mask[16] = { 0 };

	mask[cpu / 64] = 1ul << cpu % 64;
	return SYSCALL(203, 0, sizeof(mask), mask);
}

/* The CPUs that the calling thread may run on, lowest 64 as a mask. */
MINI_FN u64 allowed_cpus(void)
{
	u64 mask[16] = { 0 };

	return SYSCALL(204, 0, sizeof(mask), mask) < 0 ? 1 : mask[0];
}

/* Starts thread `index` on a CPU of its own, as far as there are enough; it may leave it. */
MINI_FN void bind_softly(u32 index)
{
	u64 all = allowed_cpus();
	u32 cpus = 0;

	for (u64 left = all; left; left &= left - 1)
		cpus++;
	pin_to_cpu(index % cpus);
	SYSCALL(203, 0, sizeof(all), &all);
}

/* ---- Asynchronous I/O (io_submit(2)) ---- */

struct io_event {
	u64 data;
	u64 obj;
	s64 res;
	s64 res2;
};

struct iocb {
	u64 aio_data;
	u32 aio_key;
	u32 aio_rw_flags;
	u16 aio_lio_opcode;
	u16 aio_reqprio;
	u32 aio_fildes;
	u64 aio_buf;
	u64 aio_nbytes;
	u64 aio_offset;
	u64 aio_reserved2;
	u32 aio_flags;
	u32 aio_resfd;
};

#define IOCB_CMD_PREAD 0
#define IOCB_CMD_PWRITE 1

MINI_FN long sys_io_setup(u32 nr_events, u64 *ctx)
{
	return SYSCALL(206, nr_events, ctx);
}

MINI_FN long sys_io_destroy(u64 ctx)
{
	return SYSCALL(207, ctx);
}

/* Waits for at least min_nr events, without a time limit. */
MINI_FN long sys_io_getevents(u64 ctx, long min_nr, long nr, struct io_event *events)
{
	return SYSCALL(208, ctx, min_nr, nr, events, 0);
}

/* With a limit of seconds and nanoseconds; NULL: none. */
MINI_FN long sys_io_getevents_timed(u64 ctx, long min_nr, long nr, struct io_event *events,
				    const s64 *limit)
{
	return SYSCALL(208, ctx, min_nr, nr, events, limit);
}

/* 0, with the event that the request will not have. */
MINI_FN long sys_io_cancel(u64 ctx, struct iocb *iocb, struct io_event *event)
{
	return SYSCALL(210, ctx, iocb, event);
}

MINI_FN long sys_io_submit(u64 ctx, long nr, struct iocb **iocbs)
{
	return SYSCALL(209, ctx, nr, iocbs);
}

#endif
