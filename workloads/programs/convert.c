/* Conversions between all integer widths and signs, and comparisons of mixed operands. */
#include "programs.h"

#define EACH_TYPE(DO) DO(s8) DO(u8) DO(s16) DO(u16) DO(s32) DO(u32) DO(s64) DO(u64)

/* From u64 through one type to another and back. */
#define THROUGH(type)                                                                              \
	static NOINLINE u64 through_##type(u64 value)                                              \
	{                                                                                          \
		return (type)value;                                                                \
	}                                                                                          \
	static NOINLINE u64 load_##type(const void *from)                                          \
	{                                                                                          \
		return *(const volatile type *)from;                                               \
	}                                                                                          \
	static NOINLINE void store_##type(void *to, u64 value)                                     \
	{                                                                                          \
		*(volatile type *)to = value;                                                      \
	}                                                                                          \
	static NOINLINE int compare_##type(type a, type b)                                         \
	{                                                                                          \
		return (a < b) | (a <= b) << 1 | (a == b) << 2 | (a > b) << 3 | !a << 4;           \
	}
EACH_TYPE(THROUGH)

static const struct {
	const char *name;
	u64 (*through)(u64);
	u64 (*load)(const void *);
	void (*store)(void *, u64);
} types[] = {
#define ROW(type) { #type, through_##type, load_##type, store_##type },
	EACH_TYPE(ROW)
};

static u32 compare_all(u64 a, u64 b)
{
	u32 result = 0;

#define COMPARE(type) result = result * 37 + compare_##type(a, b);
	EACH_TYPE(COMPARE)
	return result;
}

static NOINLINE bool mixed_less(s32 a, u32 b)
{
	return (s64)a < (s64)b;
}

static NOINLINE bool promoted_less(s32 a, u32 b)
{
	return (u32)a < b;
}

static NOINLINE s32 narrow_arithmetic(u8 a, s8 b, u16 c)
{
	u8 sum = a + b;
	s8 product = a * b;
	u16 difference = c - a;
	s16 shifted = c << 3;

	return sum + product * 3 + difference * 5 + shifted * 7;
}

void program_convert(void)
{
	static const u64 values[] = { 0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
				      0x80000000, 0xffffffff, 0x7fffffffffffffff,
				      0x8000000000000000, 0xffffffffffffffff, 0x0123456789abcdef,
				      0xfedcba9876543210 };
	u64 sum = 0;

	for (u32 t = 0; t < ARRAY_SIZE(types); t++) {
		out("%s", types[t].name);
		for (u32 i = 0; i < ARRAY_SIZE(values); i += 3)
			out(" %lx", types[t].through(values[i]));
		out("\n");
		for (u32 i = 0; i < ARRAY_SIZE(values); i++) {
			u8 place[16] = { [0 ... 15] = 0x5a };

			/* Odd addresses too. */
			types[t].store(place + i % 8, values[i]);
			sum = sum * 31 + types[t].load(place + i % 8) + types[t].through(values[i]);
			sum = sum * 31 + place[(i + 3) % 16];
		}
	}
	out("sum %016lx\n", sum);
	for (u32 i = 0; i < ARRAY_SIZE(values); i += 5) {
		for (u32 j = 0; j < ARRAY_SIZE(values); j++)
			sum = sum * 41 + compare_all(values[i], values[j]);
		out("compare %016lx\n", sum);
	}
	out("%d %d %d\n", mixed_less(-1, 1), promoted_less(-1, 1),
	    narrow_arithmetic(200, -100, 65000));
}
