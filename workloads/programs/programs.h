/*
 * What the programs of this folder share. Each is one function that prints a few hundred bytes
 * which depend on nothing but the instruction set: no time, no addresses, no random seed.
 */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include <stdarg.h>

#include <mini-sys.h>

typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef unsigned __int128 u128;
typedef __int128 s128;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NOINLINE __attribute__((noinline))

/* mini.h, and out.c */
void *memset(void *to, int byte, size_t bytes);
void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t text_length(const char *text);

/* %s %c %d %u %x, with l the 64-bit ones, with a width, with 0 before it zeros. */
void out(const char *format, ...) __attribute__((format(printf, 1, 2)));
void out_bytes(const char *name, const void *bytes, size_t count);
void out_flush(void);

/* A generator whose stream every program starts anew: xorshift (Marsaglia, "Xorshift RNGs"). */
MINI_FN u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Hides a value from the optimiser, so that it is computed with at run time. */
#define OPAQUE(x)                                                                                  \
	({                                                                                         \
		__typeof__((x) + 0) opaque_ = (x);                                                 \
		asm volatile("" : "+r"(opaque_));                                                  \
		opaque_;                                                                           \
	})

#define PROGRAMS(DO)                                                                               \
	DO(aes) DO(atomics) DO(avl) DO(base64) DO(bignum) DO(bitfields) DO(bits) DO(callbacks)     \
	DO(carry) DO(convert) DO(crc) DO(distance) DO(division) DO(fixed) DO(format) DO(hash)      \
	DO(huffman) DO(int128) DO(interpreter) DO(json) DO(life) DO(lz) DO(matrix) DO(overflow)    \
	DO(paths) DO(primes) DO(random) DO(rare) DO(recursion) DO(regex) DO(setjmp) DO(sha256)     \
	DO(shifts) DO(sort) DO(stack) DO(strings) DO(structs) DO(switches) DO(varargs)

#define PROGRAM_PROTOTYPE(name) void program_##name(void);
PROGRAMS(PROGRAM_PROTOTYPE)

#endif
