/* 128-bit integers: what the compiler makes of them, and a division of its own. */
#include "programs.h"

static void print(const char *name, u128 value)
{
	out("%s %016lx%016lx\n", name, (u64)(value >> 64), (u64)value);
}

/* Shift and subtract. */
static u128 divide(u128 a, u128 b, u128 *rest)
{
	u128 quotient = 0;

	*rest = 0;
	for (u32 i = 128; i--;) {
		*rest = *rest << 1 | (a >> i & 1);
		if (*rest >= b) {
			*rest -= b;
			quotient |= (u128)1 << i;
		}
	}
	return quotient;
}

static NOINLINE u128 shift_left(u128 value, u32 count)
{
	return value << count;
}

static NOINLINE u128 shift_right(u128 value, u32 count)
{
	return value >> count;
}

static NOINLINE s128 shift_arithmetic(s128 value, u32 count)
{
	return value >> count;
}

static NOINLINE u128 rotate(u128 value, u32 count)
{
	return value << count | value >> (128 - count);
}

static u128 parse(const char *text)
{
	u128 value = 0;

	while (*text)
		value = value * 10 + (*text++ - '0');
	return value;
}

static NOINLINE int compare_signed(s128 a, s128 b)
{
	return a < b ? -1 : a > b;
}

static NOINLINE int compare_unsigned(u128 a, u128 b)
{
	return a < b ? -1 : a > b;
}

void program_int128(void)
{
	u128 a = parse("170141183460469231731687303715884105727"), rest, sum = 0;
	u128 b = (u128)0x0123456789abcdef << 64 | 0xfedcba9876543210;
	s128 negative = -(s128)b;
	u64 state = 5;

	print("max", a);
	print("a+b", a + b);
	print("a-b", a - b);
	print("a*b", a * b);
	print("-b", negative);
	print("~b", ~b);
	print("a/b", divide(a, b, &rest));
	print("a%b", rest);
	print("high", (u128)0xffffffffffffffff * 0xfffffffffffffffe);
	print("signed", (s128)-7 * (s128)(s64)OPAQUE(0x123456789abcdef0));
	for (u32 count = 0; count < 128; count += 21) {
		print("shl", shift_left(b, count));
		print("shr", shift_right(negative, count));
		print("sar", shift_arithmetic(negative, count));
	}
	print("rotate", rotate(b, 100));
	out("compare %d %d %d %d\n", compare_signed(negative, b), compare_unsigned(negative, b),
	    compare_signed(b, b), compare_unsigned(b, a));
	for (u32 i = 0; i < 1000; i++) {
		u128 x = (u128)next_random(&state) << 64 | next_random(&state);
		u64 y = next_random(&state) | 1;
		s128 z = (s128)(s64)y * (s64)x;

		sum += x * y ^ (u128)z >> (i & 127);
		sum = sum << 1 | sum >> 127;
	}
	print("sum", sum);
}
