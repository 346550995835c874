/* Overflow: detected by the compiler's builtins in every type, and saturating arithmetic. */
#include "programs.h"

#define CHECKED(type)                                                                              \
	static NOINLINE u64 checked_##type(type a, type b)                                         \
	{                                                                                          \
		type sum, difference, product;                                                     \
		u64 flags = __builtin_add_overflow(a, b, &sum);                                    \
		flags |= __builtin_sub_overflow(a, b, &difference) << 1;                           \
		flags |= __builtin_mul_overflow(a, b, &product) << 2;                              \
		return flags + ((u64)sum ^ (u64)difference << 5 ^ (u64)product << 9) * 8;          \
	}                                                                                          \
	static NOINLINE u32 overflows_##type(type a, type b)                                       \
	{                                                                                          \
		type unused;                                                                       \
		u32 count = 0;                                                                     \
		if (__builtin_add_overflow(a, b, &unused))                                         \
			count += 1;                                                                \
		if (__builtin_sub_overflow(a, b, &unused))                                         \
			count += 10;                                                               \
		if (__builtin_mul_overflow(a, b, &unused))                                         \
			count += 100;                                                              \
		return count;                                                                      \
	}
#define EACH_TYPE(DO) DO(s8) DO(u8) DO(s16) DO(u16) DO(s32) DO(u32) DO(s64) DO(u64)
EACH_TYPE(CHECKED)

static NOINLINE s32 saturating_add(s32 a, s32 b)
{
	s32 sum;

	if (__builtin_add_overflow(a, b, &sum))
		return a < 0 ? -2147483647 - 1 : 2147483647;
	return sum;
}

static NOINLINE u8 saturating_subtract(u8 a, u8 b)
{
	u8 difference = a - b;

	return difference & -(a >= b);
}

static NOINLINE u64 saturating_multiply(u64 a, u64 b)
{
	u64 product;

	return __builtin_mul_overflow(a, b, &product) ? ~0ul : product;
}

/* A mixture of signs and widths: the true result must fit. */
static NOINLINE bool fits(s64 a, u32 b, s16 *to)
{
	return !__builtin_add_overflow(a, b, to);
}

static NOINLINE s64 midpoint(s64 a, s64 b)
{
	return (a & b) + ((a ^ b) >> 1);
}

void program_overflow(void)
{
	static const u64 edges[] = { 0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0x7fffffff,
				     0x80000000, 0xffffffff, 0x7fffffffffffffff,
				     0x8000000000000000, 0xffffffffffffffff };
	u64 sum = 0, count = 0;
	s16 small = 0;

	for (u32 i = 0; i < ARRAY_SIZE(edges); i++) {
		for (u32 j = 0; j < ARRAY_SIZE(edges); j++) {
#define SUM(type)                                                                                  \
	sum = sum * 31 + checked_##type(edges[i], edges[j]);                                       \
	count += overflows_##type(edges[i], edges[j]);
			EACH_TYPE(SUM)
		}
		out("%lx: %016lx %lu\n", edges[i], sum, count);
	}
	out("%d %d %d\n", saturating_add(2147483647, 1), saturating_add(-2147483647, -10),
	    saturating_add(5, -9));
	out("%u %u\n", saturating_subtract(5, 9), saturating_subtract(9, 5));
	out("%lx %lx\n", saturating_multiply(1ul << 40, 1ul << 30),
	    saturating_multiply(1234, 5678));
	out("%d %d", fits(-40000, 7233, &small), small);
	out(" %d %d", fits(-40000, 7231, &small), small);
	out(" %d\n", fits(0, 32768, &small));
	out("%ld %ld\n", midpoint(9223372036854775807, 9223372036854775805), midpoint(-7, 2));
}
