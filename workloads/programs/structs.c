/* Structures by value, from 1 to 40 bytes: in registers, in memory, nested, returned. */
#include "programs.h"

#define SIZED(n)                                                                                   \
	struct s##n {                                                                              \
		u8 byte[n];                                                                        \
	};                                                                                         \
	static NOINLINE struct s##n turn_##n(struct s##n s, u32 by)                                \
	{                                                                                          \
		struct s##n turned;                                                                \
		for (u32 i = 0; i < n; i++)                                                        \
			turned.byte[i] = s.byte[(i + by) % n] + by;                                \
		return turned;                                                                     \
	}                                                                                          \
	static u32 check_##n(void)                                                                 \
	{                                                                                          \
		struct s##n s, t;                                                                  \
		u32 sum = 0;                                                                       \
		for (u32 i = 0; i < n; i++)                                                        \
			s.byte[i] = i * 7 + n;                                                     \
		t = turn_##n(turn_##n(s, 3), 1);                                                   \
		for (u32 i = 0; i < n; i++)                                                        \
			sum = sum * 31 + t.byte[i];                                                \
		return sum;                                                                        \
	}
#define EACH_SIZE(DO)                                                                              \
	DO(1) DO(2) DO(3) DO(4) DO(5) DO(7) DO(8) DO(9) DO(12) DO(15) DO(16) DO(17) DO(24) DO(33)  \
	DO(40)
EACH_SIZE(SIZED)

struct complex {
	s32 re, im;
};

static NOINLINE struct complex multiply(struct complex a, struct complex b)
{
	return (struct complex){ a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re };
}

struct mixed {
	u8 a;
	u64 b;
	u16 c;
};

struct nested {
	struct complex pair[2];
	struct mixed mixed;
	const char *name;
};

static NOINLINE struct nested change(struct nested n, u32 by)
{
	n.pair[by & 1] = multiply(n.pair[0], n.pair[1]);
	n.mixed.a += by;
	n.mixed.b = n.mixed.b << by | n.mixed.c;
	n.mixed.c ^= by;
	return n;
}

static NOINLINE u64 many(struct complex a, struct mixed b, struct complex c, u32 d,
			 struct complex e, struct s3 f, u64 g)
{
	return a.re + b.b * 3 + c.im * 5 + d * 7 + e.re * 11 + f.byte[2] * 13 + g * 17 + b.c;
}

union number {
	u64 whole;
	u32 half[2];
	u8 byte[8];
	struct {
		s16 low;
		u16 next;
	};
};

static NOINLINE union number swap_halves(union number n)
{
	return (union number){ .half = { n.half[1], n.half[0] } };
}

static struct complex table[] = { { 1, 2 }, { -3, 4 }, { 5, -6 } };

void program_structs(void)
{
	struct nested n = { { { 1, 2 }, { 3, -4 } }, { 250, 0x123456789a, 0xbcde }, "nested" };
	struct nested copies[3];
	union number number = { .whole = 0x8899aabbccddeeff };
	struct complex power = { 1, 0 };
	struct s3 three = { { 1, 2, 3 } };

#define SHOW(n) out("%d:%08x ", n, check_##n());
	EACH_SIZE(SHOW)
	out("\n");
	for (u32 i = 0; i < 9; i++)
		power = multiply(power, table[i % ARRAY_SIZE(table)]);
	out("%d %d\n", power.re, power.im);
	for (u32 i = 0; i < 3; i++) {
		n = change(n, i + 1);
		copies[2 - i] = n;
	}
	for (u32 i = 0; i < 3; i++)
		out("%s %d %d %u %lx %x\n", copies[i].name, copies[i].pair[0].re,
		    copies[i].pair[1].im, copies[i].mixed.a, copies[i].mixed.b, copies[i].mixed.c);
	out("%lu\n", many(table[0], n.mixed, table[1], 9, table[2], three, 1ul << 33));
	number = swap_halves(number);
	out("%016lx %x %d %x\n", number.whole, number.byte[7], number.low, number.next);
}
