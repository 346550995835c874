/* Switches: dense ones (tables), sparse ones (trees), ranges, fall-through, on every width. */
#include "programs.h"

static NOINLINE s32 dense(u32 x)
{
	switch (x) {
	case 0: return 17;
	case 1: return -3;
	case 2: return 90;
	case 3: return x * 5;
	case 4: return 44;
	case 5: return -x;
	case 6: return 6000;
	case 7: return 1;
	case 8: return x << 9;
	case 9: return 12;
	default: return -1;
	}
}

static NOINLINE u32 sparse(u64 x)
{
	switch (x) {
	case 0: return 1;
	case 1000: return 2;
	case 0x7fffffff: return 3;
	case 0x80000000: return 4;
	case 0xffffffff: return 5;
	case 0x100000000: return 6;
	case 0x8000000000000000: return 7;
	case 0xffffffffffffffff: return 8;
	default: return 9;
	}
}

static NOINLINE u32 fall_through(s8 x)
{
	u32 sum = 0;

	switch (x) {
	case -128:
		sum += 1;
		/* fall through */
	case -127 ... -100:
		sum += 10;
		break;
	case -1:
		sum += 100;
		/* fall through */
	case 0:
		sum += 1000;
		/* fall through */
	case 1:
		sum += 10000;
		break;
	case 2 ... 126:
		sum += x;
		/* fall through */
	default:
		sum += 7;
	}
	return sum;
}

static NOINLINE const char *name_of(char c)
{
	switch (c) {
	case 'a': case 'e': case 'i': case 'o': case 'u':
		return "vowel";
	case 'b' ... 'd': case 'f' ... 'h': case 'j' ... 'n': case 'p' ... 't': case 'v' ... 'z':
		return "consonant";
	case '0' ... '9':
		return "digit";
	case ' ': case '\t':
		return "blank";
	default:
		return "other";
	}
}

/* Duff's device: the switch jumps into the loop. */
static NOINLINE void copy(u8 *to, const u8 *from, u32 count)
{
	u32 rounds = (count + 7) / 8;

	switch (count % 8) {
	case 0:
		do {
			*to++ = *from++;
			/* fall through */
	case 7: *to++ = *from++; /* fall through */
	case 6: *to++ = *from++; /* fall through */
	case 5: *to++ = *from++; /* fall through */
	case 4: *to++ = *from++; /* fall through */
	case 3: *to++ = *from++; /* fall through */
	case 2: *to++ = *from++; /* fall through */
	case 1: *to++ = *from++;
		} while (--rounds);
	}
}

static NOINLINE u32 days(u32 month, bool leap)
{
	switch (month) {
	case 2:
		return leap ? 29 : 28;
	case 4: case 6: case 9: case 11:
		return 30;
	default:
		return 31;
	}
}

void program_switches(void)
{
	static const u64 keys[] = { 0, 1, 1000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
				    0x8000000000000000, 0xffffffffffffffff };
	u8 from[20], to[20] = { 0 };
	u32 sum = 0;

	for (u32 x = 0; x < 12; x++)
		out("%d ", dense(x));
	out("%d\n", dense(~0u));
	for (u32 i = 0; i < ARRAY_SIZE(keys); i++)
		out("%u ", sparse(keys[i]));
	out("\n");
	for (s32 x = -128; x < 128; x++)
		sum = sum * 3 + fall_through(x);
	out("%08x %u %u %u %u\n", sum, fall_through(-128), fall_through(-1), fall_through(50),
	    fall_through(127));
	for (const char *text = "a 7z\t%u"; *text; text++)
		out("%s ", name_of(*text));
	out("\n");
	for (u32 i = 0; i < sizeof(from); i++)
		from[i] = i + 1;
	copy(to, from, 13);
	out_bytes("copied", to, sizeof(to));
	sum = 0;
	for (u32 year = 1999; year <= 2001; year++)
		for (u32 month = 1; month <= 12; month++)
			sum += days(month, year % 4 == 0) * month;
	out("days %u\n", sum);
}
