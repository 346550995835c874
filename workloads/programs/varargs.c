/* Variable arguments: integers and structures of all classes, in registers and on the stack. */
#include "programs.h"

struct pair { /* two registers */
	u64 a;
	s32 b;
};

struct large { /* memory */
	u64 word[5];
};

struct tiny {
	u8 byte[3];
};

static NOINLINE s64 sum_of(u32 count, ...)
{
	va_list args;
	s64 sum = 0;

	va_start(args, count);
	while (count--)
		sum = sum * 3 + va_arg(args, int);
	va_end(args);
	return sum;
}

static u64 walk(const char *kinds, va_list args)
{
	u64 sum = 0;

	for (; *kinds; kinds++) {
		sum = sum << 7 | sum >> 57;
		if (*kinds == 'i') {
			sum += va_arg(args, int);
		} else if (*kinds == 'l') {
			sum ^= va_arg(args, u64);
		} else if (*kinds == 'p') {
			struct pair pair = va_arg(args, struct pair);

			sum += pair.a - pair.b;
		} else if (*kinds == 'L') {
			struct large large = va_arg(args, struct large);

			for (u32 i = 0; i < 5; i++)
				sum += large.word[i] << i;
		} else if (*kinds == 't') {
			struct tiny tiny = va_arg(args, struct tiny);

			sum ^= tiny.byte[0] | tiny.byte[1] << 8 | tiny.byte[2] << 16;
		} else if (*kinds == 'q') {
			u128 wide = va_arg(args, u128);

			sum += (u64)(wide >> 64) ^ (u64)wide;
		} else {
			sum += text_length(va_arg(args, const char *));
		}
	}
	return sum;
}

/* Twice over the same arguments, and a third time by a copy. */
static NOINLINE void mixed(const char *kinds, ...)
{
	va_list args, copy;
	u64 first, second;

	va_start(args, kinds);
	va_copy(copy, args);
	first = walk(kinds, args);
	second = walk(kinds, copy);
	va_end(copy);
	va_end(args);
	out("%s %016lx %s\n", kinds, first, first == second ? "twice" : "DIFFERENT");
}

static NOINLINE u32 forward(u32 depth, ...)
{
	va_list args;
	u32 value;

	va_start(args, depth);
	for (u32 i = 0; i < depth; i++)
		va_arg(args, int);
	value = va_arg(args, int);
	va_end(args);
	return depth == 9 ? value : value * 10 + forward(depth + 1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

void program_varargs(void)
{
	struct pair pair = { 0x123456789a, -77 };
	struct large large = { { 1, 2, 3, 4, 0xffffffffffffffff } };
	struct tiny tiny = { { 0xaa, 0xbb, 0xcc } };
	u128 wide = (u128)0x1111222233334444 << 64 | 0x5555666677778888;

	out("%ld %ld %ld\n", sum_of(0), sum_of(1, -5), sum_of(6, 1, 2, 3, 4, 5, 6));
	out("%ld\n", sum_of(14, 1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12, 13, -14));
	mixed("ilis", -1, 0xfedcba9876543210, 42, "text");
	mixed("ppp", pair, pair, pair);
	mixed("tLtLi", tiny, large, tiny, large, 9);
	mixed("iiiiip", 1, 2, 3, 4, 5, pair);
	mixed("iqiqil", 1, wide, 2, wide, 3, 4ul);
	mixed("lllllllllq", 1ul, 2ul, 3ul, 4ul, 5ul, 6ul, 7ul, 8ul, 9ul, wide);
	out("%u\n", forward(0, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
}
