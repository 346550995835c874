/*
 * A tiny C library for one-file programs: start-up, system calls, threads, options, printing.
 * Header-only: include it in the file that has main(). The programs are static and freestanding,
 * use Linux's system calls only, and so run under smpbox's kernel, natively, and under qemu-user:
 *
 *     gcc $(smpbox cflags) -nostdlib -static -no-pie -o hello hello.c
 */
#ifndef MINI_H
#define MINI_H

#include <stdarg.h>

#include "mini-sys.h"

/* ---- What the compiler calls by itself ---- */

void *memset(void *to, int byte, size_t bytes)
{
	void *at = to;

	asm volatile("rep stosb" : "+D"(at), "+c"(bytes) : "a"(byte) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t bytes)
{
	void *at = to;

	asm volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(bytes) : : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
	u8 *last = (u8 *)to + bytes - 1;
	const u8 *from_last = (const u8 *)from + bytes - 1;

	/* Upwards unless that would overwrite what is still to be read. */
	if ((uintptr_t)to - (uintptr_t)from >= bytes)
		return memcpy(to, from, bytes);
	asm volatile("std; rep movsb; cld"
		     : "+D"(last), "+S"(from_last), "+c"(bytes)
		     :
		     : "memory", "cc");
	return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const u8 *x = a, *y = b;

	for (; bytes; bytes--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

/* ---- Printing ---- */

#define PRINT_MAX 512

struct mini_line {
	char text[PRINT_MAX];
	u32 length;
};

MINI_FN void mini_put(struct mini_line *line, char c)
{
	if (line->length < PRINT_MAX)
		line->text[line->length++] = c;
}

MINI_FN void mini_put_number(struct mini_line *line, u64 value, u32 base)
{
	char digits[20];
	u32 count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (count)
		mini_put(line, digits[--count]);
}

/* %s %c %d %u %x and with l the 64-bit ones, in one write. */
MINI_FN __attribute__((format(printf, 1, 2))) void print(const char *format, ...)
{
	struct mini_line line;
	va_list args;

	line.length = 0;
	va_start(args, format);
	for (; *format; format++) {
		bool wide = false;

		if (*format != '%') {
			mini_put(&line, *format);
			continue;
		}
		if (*++format == 'l') {
			wide = true;
			format++;
		}
		if (*format == 's') {
			for (const char *text = va_arg(args, const char *); *text; text++)
				mini_put(&line, *text);
		} else if (*format == 'c') {
			mini_put(&line, va_arg(args, int));
		} else if (*format == 'd') {
			s64 value = wide ? va_arg(args, s64) : va_arg(args, int);

			if (value < 0)
				mini_put(&line, '-');
			mini_put_number(&line, value < 0 ? -(u64)value : (u64)value, 10);
		} else if (*format == 'u' || *format == 'x') {
			mini_put_number(&line, wide ? va_arg(args, u64) : va_arg(args, u32),
					*format == 'x' ? 16 : 10);
		} else {
			mini_put(&line, *format);
		}
	}
	va_end(args);
	sys_write(1, line.text, line.length);
}

/* Says why and ends the program with exit code 2. */
#define die(...)                                                                                   \
	do {                                                                                       \
		print(__VA_ARGS__);                                                                \
		sys_exit_group(2);                                                                 \
	} while (0)

/* ---- Options: key=value words of the command line, else of the environment ---- */

static int mini_argc;
static char **mini_argv, **mini_envp;

MINI_FN const char *mini_match(const char *word, const char *key)
{
	while (*key && *word == *key)
		word++, key++;
	return !*key && *word == '=' ? word + 1 : NULL;
}

MINI_FN const char *option_string(const char *key, const char *otherwise)
{
	const char *value;

	for (int i = 1; i < mini_argc; i++)
		if ((value = mini_match(mini_argv[i], key)))
			return value;
	for (char **word = mini_envp; *word; word++)
		if ((value = mini_match(*word, key)))
			return value;
	return otherwise;
}

MINI_FN u64 option(const char *key, u64 otherwise)
{
	const char *text = option_string(key, NULL);
	u64 value = 0;

	if (!text || !*text)
		return otherwise;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			die("%s= wants a decimal number\n", key);
		value = value * 10 + (*text - '0');
	}
	return value;
}

MINI_FN bool same_text(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* ---- Random numbers ---- */

/* Knuth's 64-bit linear congruential generator; the upper bits are the good ones. */
MINI_FN u32 random_below(u64 *state, u32 limit)
{
	*state = *state * 6364136223846793005 + 1442695040888963407;
	return (*state >> 32) * limit >> 32;
}

/* What a program does with its data: less than `think` turns of PAUSE, none if that is 0. */
MINI_FN void think_below(u64 *state, u64 think)
{
	for (u64 turns = think ? random_below(state, think) : 0; turns; turns--)
		asm volatile("pause");
}

/* ---- Threads ---- */

#define THREAD_STACK_BYTES 65536

struct thread {
	void (*run)(void *argument);
	void *argument;
	u32 done; /* futex: 1 when run() has returned */
};

MINI_FN __attribute__((noreturn, used)) void mini_thread_main(struct thread *thread)
{
	thread->run(thread->argument);
	__atomic_store_n(&thread->done, 1, __ATOMIC_SEQ_CST);
	sys_futex_wake(&thread->done, 1);
	sys_exit(0);
}

/* clone(2) with the thread on top of the new stack; the child takes it from there. */
long mini_clone(long flags, void *stack_top);
asm(".text\n"
    ".globl mini_clone\n"
    "mini_clone:\n"
    "	mov $56, %eax\n"
    "	xor %edx, %edx\n"
    "	xor %r10d, %r10d\n"
    "	xor %r8d, %r8d\n"
    "	syscall\n"
    "	test %rax, %rax\n"
    "	jnz 1f\n"
    "	xor %ebp, %ebp\n"
    "	mov (%rsp), %rdi\n"
    "	call mini_thread_main\n"
    "1:	ret\n");

MINI_FN void thread_start(struct thread *thread, void (*run)(void *), void *argument)
{
	/* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM */
	const long flags = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000;
	u64 *top = (u64 *)((u8 *)sys_mmap(THREAD_STACK_BYTES) + THREAD_STACK_BYTES) - 2;
	long error;

	thread->run = run;
	thread->argument = argument;
	thread->done = 0;
	*top = (u64)thread;
	error = mini_clone(flags, top);
	if (error < 0)
		die("clone: error %ld\n", -error);
}

MINI_FN void thread_join(struct thread *thread)
{
	while (!__atomic_load_n(&thread->done, __ATOMIC_SEQ_CST))
		sys_futex_wait(&thread->done, 0);
}

/* ---- Start ---- */

int main(void);

asm(".text\n"
    ".globl _start\n"
    "_start:\n"
    "	xor %ebp, %ebp\n"
    "	mov %rsp, %rdi\n"
    "	and $-16, %rsp\n"
    "	call mini_start\n");

__attribute__((noreturn, used)) void mini_start(u64 *stack)
{
	mini_argc = stack[0];
	mini_argv = (char **)&stack[1];
	mini_envp = mini_argv + mini_argc + 1;
	sys_exit_group(main());
}

#endif
