/* Shifts and rotations of every width, by variables and by constants. */
#include "programs.h"

#define SHIFTS(type, bits)                                                                         \
	static NOINLINE type left_##type(type x, u32 n)                                            \
	{                                                                                          \
		return x << n;                                                                     \
	}                                                                                          \
	static NOINLINE type right_##type(type x, u32 n)                                           \
	{                                                                                          \
		return x >> n;                                                                     \
	}                                                                                          \
	static NOINLINE u64 all_##type(u64 value)                                                  \
	{                                                                                          \
		u64 sum = 0;                                                                       \
		for (u32 n = 0; n < bits; n++) {                                                   \
			sum = sum * 3 + (u64)left_##type(value, n);                                \
			sum = sum * 5 ^ (u64)right_##type(value, n);                               \
		}                                                                                  \
		return sum;                                                                        \
	}
SHIFTS(s8, 8)
SHIFTS(u8, 8)
SHIFTS(s16, 16)
SHIFTS(u16, 16)
SHIFTS(s32, 32)
SHIFTS(u32, 32)
SHIFTS(s64, 64)
SHIFTS(u64, 64)

#define ROTATIONS(type, bits)                                                                      \
	static NOINLINE type rotate_left_##type(type x, u32 n)                                     \
	{                                                                                          \
		return x << (n & (bits - 1)) | x >> (-n & (bits - 1));                             \
	}                                                                                          \
	static NOINLINE type rotate_right_##type(type x, u32 n)                                    \
	{                                                                                          \
		return x >> (n & (bits - 1)) | x << (-n & (bits - 1));                             \
	}                                                                                          \
	static NOINLINE type rotate_constants_##type(type x)                                       \
	{                                                                                          \
		x = (type)(x << 1 | x >> (bits - 1)) + 1;                                          \
		x = (type)(x << 3 | x >> (bits - 3)) + 1;                                          \
		return (type)(x >> 5 | x << (bits - 5)) + 1;                                       \
	}
ROTATIONS(u8, 8)
ROTATIONS(u16, 16)
ROTATIONS(u32, 32)
ROTATIONS(u64, 64)

/* Chains of shifts and masks that the compiler turns into LEA, BT, SHLD and their like. */
static NOINLINE u64 idioms(u64 x, u32 n)
{
	u64 sum = x * 9 + x * 5 + (x << 3) - x;

	sum += x >> n & 1 ? 1000 : 1;
	sum ^= 1ul << n;
	sum &= ~(1ul << (n ^ 7));
	sum |= x << n | sum >> (64 - n - !n);
	return sum + ((u32)x << 1 | (u32)x >> 31) + (u8)(x >> 8) + (u16)(x >> 16);
}

void program_shifts(void)
{
	static const u64 values[] = { 1, 0x80, 0x8001, 0x80000001, 0x8000000000000001,
				      0x0123456789abcdef, 0xfedcba9876543210 };
	u64 sum = 0;

	for (u32 i = 0; i < ARRAY_SIZE(values); i++) {
		u64 x = values[i];

		out("%lx: %lx %lx %lx %lx", x, all_s8(x), all_u8(x), all_s16(x), all_u16(x));
		out(" %lx %lx %lx %lx\n", all_s32(x), all_u32(x), all_s64(x), all_u64(x));
	}
	for (u32 n = 0; n < 64; n++) {
		u64 x = values[n % ARRAY_SIZE(values)];

		sum = sum * 7 + rotate_left_u8(x, n) + rotate_right_u8(x, n);
		sum = sum * 7 + rotate_left_u16(x, n) + rotate_right_u16(x, n);
		sum = sum * 7 + rotate_left_u32(x, n) + rotate_right_u32(x, n);
		sum = sum * 7 + rotate_left_u64(x, n) + rotate_right_u64(x, n);
		sum ^= rotate_constants_u8(x) + rotate_constants_u16(x);
		sum += rotate_constants_u32(x) ^ rotate_constants_u64(x);
		sum += idioms(x, n);
	}
	out("sum %016lx\n", sum);
	out("%x %x %x %lx\n", rotate_left_u8(0x81, 3), rotate_right_u16(0x8001, 4),
	    rotate_left_u32(0x80000001, 31), rotate_right_u64(1, 1));
}
