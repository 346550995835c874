/* SHA-256 (FIPS 180-4). Its constants are computed: the first 32 bits of the fractional parts of
 * the square and cube roots of the first primes. */
#include "programs.h"

struct sha256 {
	u32 state[8];
	u64 bytes;
	u8 block[64];
};

static u32 start_state[8], round_constant[64];

/* The integer part of 2^32 times the square or cube root of a prime below 512. */
static u64 scaled_root(u32 prime, u32 degree)
{
	u128 target = (u128)prime << 32 * degree;
	u64 root = 0;

	for (u64 bit = 1ul << 37; bit; bit >>= 1) {
		u64 next = root | bit;
		u128 power = (u128)next * next;

		/* Below 2^37 the cube fits; above, next is too large anyway. */
		if (degree == 3)
			power = next >> 36 ? target + 1 : power * next;
		if (power <= target)
			root = next;
	}
	return root;
}

static void make_constants(void)
{
	u32 count = 0;

	for (u32 n = 2; count < 64; n++) {
		bool prime = true;

		for (u32 d = 2; d * d <= n; d++)
			prime &= n % d != 0;
		if (!prime)
			continue;
		if (count < 8)
			start_state[count] = scaled_root(n, 2);
		round_constant[count++] = scaled_root(n, 3);
	}
}

static u32 rotate_right(u32 x, u32 count)
{
	return x >> count | x << (32 - count);
}

static void compress(struct sha256 *sha)
{
	u32 w[64], s[8];

	for (u32 i = 0; i < 16; i++) {
		u32 word;

		memcpy(&word, sha->block + 4 * i, 4);
		w[i] = __builtin_bswap32(word);
	}
	for (u32 i = 16; i < 64; i++) {
		u32 a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] + (rotate_right(a, 7) ^ rotate_right(a, 18) ^ a >> 3) +
		       (rotate_right(b, 17) ^ rotate_right(b, 19) ^ b >> 10);
	}
	memcpy(s, sha->state, sizeof(s));
	for (u32 i = 0; i < 64; i++) {
		u32 e = s[4], a = s[0];
		u32 sum1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
		u32 sum0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
		u32 choice = (e & s[5]) ^ (~e & s[6]);
		u32 majority = (a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]);
		u32 t = s[7] + sum1 + choice + round_constant[i] + w[i];

		memmove(s + 1, s, 7 * sizeof(*s));
		s[4] += t;
		s[0] = t + sum0 + majority;
	}
	for (u32 i = 0; i < 8; i++)
		sha->state[i] += s[i];
}

static void update(struct sha256 *sha, const void *data, size_t bytes)
{
	for (const u8 *byte = data; bytes--; byte++) {
		sha->block[sha->bytes++ % 64] = *byte;
		if (sha->bytes % 64 == 0)
			compress(sha);
	}
}

static void report(const char *name, const char *text, u32 times)
{
	struct sha256 sha = { .bytes = 0 };
	u64 bits;

	memcpy(sha.state, start_state, sizeof(start_state));
	while (times--)
		update(&sha, text, text_length(text));
	bits = __builtin_bswap64(sha.bytes * 8);
	update(&sha, "\x80", 1);
	while (sha.bytes % 64 != 56)
		update(&sha, "", 1);
	update(&sha, &bits, 8);
	out("%s ", name);
	for (u32 i = 0; i < 8; i++)
		out("%08x", sha.state[i]);
	out("\n");
}

void program_sha256(void)
{
	make_constants();
	out("constants %08x %08x %08x\n", start_state[0], round_constant[0], round_constant[63]);
	report("empty", "", 0);
	report("abc", "abc", 1);
	report("two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1);
	report("repeated", "0123456789", 200);
}
