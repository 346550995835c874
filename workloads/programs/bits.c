/* Bit counts, scans, reversal, Gray codes, permutations, in software and by the compiler's ways. */
#include "programs.h"

static NOINLINE u32 ones_loop(u64 x)
{
	u32 count = 0;

	for (; x; x &= x - 1)
		count++;
	return count;
}

static NOINLINE u32 ones_parallel(u64 x)
{
	x -= x >> 1 & 0x5555555555555555;
	x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return x * 0x0101010101010101 >> 56;
}

static NOINLINE u32 trailing_zeros(u64 x)
{
	static const u8 place[64] = {
		0,  1,	2,  53, 3,  7,	54, 27, 4,  38, 41, 8,	34, 55, 48, 28,
		62, 5,	39, 46, 44, 42, 22, 9,	24, 35, 59, 56, 49, 18, 29, 11,
		63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21, 23, 58, 17, 10,
		51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
	};

	/* A de Bruijn sequence: its 64 windows of six bits are all different. */
	return x ? place[(x & -x) * 0x022fdd63cc95386d >> 58] : 64;
}

static NOINLINE u32 leading_zeros(u64 x)
{
	u32 count = 0;

	for (u32 half = 32; half; half /= 2) {
		if (!(x >> (64 - half))) {
			count += half;
			x <<= half;
		}
	}
	return count + !(x >> 63);
}

static NOINLINE u64 reverse(u64 x)
{
	x = (x >> 1 & 0x5555555555555555) | (x & 0x5555555555555555) << 1;
	x = (x >> 2 & 0x3333333333333333) | (x & 0x3333333333333333) << 2;
	x = (x >> 4 & 0x0f0f0f0f0f0f0f0f) | (x & 0x0f0f0f0f0f0f0f0f) << 4;
	return __builtin_bswap64(x);
}

static u64 from_gray(u64 x)
{
	for (u32 shift = 1; shift < 64; shift *= 2)
		x ^= x >> shift;
	return x;
}

/* The next larger number with as many ones. */
static u64 next_permutation(u64 x)
{
	u64 low = x & -x, ripple = x + low;

	return ripple | ((x ^ ripple) >> 2) / low;
}

static void report(u64 x)
{
	out("%016lx ones %u %u", x, ones_loop(x), ones_parallel(x));
	out(" zeros %u %u parity %d", trailing_zeros(x), leading_zeros(x), __builtin_parityl(x));
	if (x)
		out(" %d %d", __builtin_ctzl(x), __builtin_clzl(x));
	if ((u32)x)
		out(" %d %d", __builtin_ctz(x), __builtin_clz(x));
	out(" %016lx %d\n", reverse(x), __builtin_ffsl(x));
}

void program_bits(void)
{
	u64 state = 3, x = 0x1f, sum = 0;

	report(0);
	report(1);
	report(~0ul);
	report(0x8000000000000000);
	report(0x00f0000000000000);
	for (u32 i = 0; i < 4; i++)
		report(next_random(&state));
	for (u32 i = 0; i < 1000; i++) {
		u64 y = next_random(&state) >> i % 64;

		sum += ones_parallel(y) * 7 + trailing_zeros(y) + __builtin_parity(y) * 3;
		sum += from_gray(y ^ y >> 1) == y;
		sum = (sum << 3 | sum >> 61) ^ __builtin_bswap32(y);
		sum += __builtin_bswap16(y);
		sum ^= __builtin_ffs(y);
	}
	out("sum %016lx\n", sum);
	for (u32 i = 0; i < 12; i++, x = next_permutation(x))
		out("%lx ", x);
	out("\n");
}
