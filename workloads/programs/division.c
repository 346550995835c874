/* Division and remainder, signed and unsigned, by variables and by constants, in all widths. */
#include "programs.h"

#define DIVIDE(type)                                                                               \
	static NOINLINE u64 divide_##type(type a, type b)                                          \
	{                                                                                          \
		type quotient = a / b, rest = a % b;                                               \
		return (u64)quotient * 3 ^ (u64)rest << 1;                                         \
	}
DIVIDE(s8)
DIVIDE(u8)
DIVIDE(s16)
DIVIDE(u16)
DIVIDE(s32)
DIVIDE(u32)
DIVIDE(s64)
DIVIDE(u64)

/* Constants become multiplications and shifts. */
#define BY_CONSTANT(type, n) sum = sum * 5 + (u64)((type)x / (n)) + ((u64)((type)x % (n)) << 32);
#define BY_CONSTANTS(type)                                                                         \
	BY_CONSTANT(type, 2) BY_CONSTANT(type, 3) BY_CONSTANT(type, 7) BY_CONSTANT(type, 10)       \
	BY_CONSTANT(type, 16) BY_CONSTANT(type, 25) BY_CONSTANT(type, 100) BY_CONSTANT(type, 127)

static NOINLINE u64 by_constants(u64 x)
{
	u64 sum = 0;

	BY_CONSTANTS(s8)
	BY_CONSTANTS(u8)
	BY_CONSTANTS(s16)
	BY_CONSTANTS(u16)
	BY_CONSTANTS(s32)
	BY_CONSTANTS(u32)
	BY_CONSTANTS(s64)
	BY_CONSTANTS(u64)
	BY_CONSTANT(s32, -10)
	BY_CONSTANT(s64, -1000000007)
	BY_CONSTANT(u32, 0x80000001)
	BY_CONSTANT(u64, 0xfedcba9876543210)
	return sum;
}

static u64 by_variables(u64 a, u64 b)
{
	u64 sum = divide_u64(a, b | 1) + divide_u32(a, b | 1) + divide_u16(a, b | 1) +
		  divide_u8(a, b | 1);

	/* The smallest number divided by -1 overflows: there 3 stands for -1. */
	sum = sum * 7 + divide_s8(a, (s8)(b | 1) == -1 ? 3 : (s8)(b | 1));
	sum = sum * 7 + divide_s16(a, (s16)(b | 1) == -1 ? 3 : (s16)(b | 1));
	sum = sum * 7 + divide_s32(a, (s32)(b | 1) == -1 ? 3 : (s32)(b | 1));
	return sum * 7 + divide_s64(a, (s64)(b | 1) == -1 ? 3 : (s64)(b | 1));
}

/* 128 by 64 bits, which C cannot say. */
static NOINLINE u64 divide_wide(u64 high, u64 low, u64 by, u64 *rest)
{
	u64 quotient;

	asm("divq %4" : "=a"(quotient), "=d"(*rest) : "0"(low), "1"(high), "r"(by) : "cc");
	return quotient;
}

static NOINLINE s64 divide_wide_signed(s64 high, u64 low, s64 by, s64 *rest)
{
	s64 quotient;

	asm("idivq %4" : "=a"(quotient), "=d"(*rest) : "0"(low), "1"(high), "r"(by) : "cc");
	return quotient;
}

static NOINLINE u64 greatest_divisor(u64 a, u64 b)
{
	while (b) {
		u64 rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

void program_division(void)
{
	static const s32 pairs[][2] = { { 7, 2 }, { -7, 2 }, { 7, -2 }, { -7, -2 }, { 0, 5 },
					{ 2147483647, 3 }, { -2147483647 - 1, 3 }, { 1, 1000 } };
	u64 state = 11, sum = 0, rest;
	s64 signed_rest, signed_quotient;

	for (u32 i = 0; i < ARRAY_SIZE(pairs); i++) {
		s32 a = OPAQUE(pairs[i][0]), b = OPAQUE(pairs[i][1]);

		out("%d/%d=%d,%d u=%u,%u\n", a, b, a / b, a % b, (u32)a / (u32)b, (u32)a % (u32)b);
	}
	for (u32 i = 0; i < 600; i++) {
		u64 a = next_random(&state) >> i % 61, b = next_random(&state) >> i % 59;

		sum = sum * 3 + by_variables(a, b) + by_constants(a) + by_constants(-a);
	}
	out("sum %016lx\n", sum);
	sum = divide_wide(0x0123456789abcdef, 0xfedcba9876543210, 0xf000000000000001, &rest);
	out("wide %lx %lx\n", sum, rest);
	signed_quotient = divide_wide_signed(-3, 12345, 0x7000000000000000, &signed_rest);
	out("wide %ld %ld\n", signed_quotient, signed_rest);
	out("gcd %lu\n", greatest_divisor(OPAQUE(6227020800ul * 1001), 87178291200ul * 77));
}
