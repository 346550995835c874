/* AES-128 (FIPS 197) by tables that are computed, and RC4: bytes, tables, rotations. */
#include "programs.h"

static u8 sbox[256], inverse[256];

static u8 times_two(u8 x)
{
	return x << 1 ^ (x & 0x80 ? 0x1b : 0);
}

static u8 multiply(u8 a, u8 b)
{
	u8 product = 0;

	for (; b; b >>= 1, a = times_two(a))
		if (b & 1)
			product ^= a;
	return product;
}

static u8 rotate(u8 x, u32 count)
{
	return x << count | x >> (8 - count);
}

/* p runs through the powers of 3, q through those of its inverse. */
static void make_tables(void)
{
	u8 p = 1, q = 1;

	do {
		p ^= times_two(p);
		q ^= q << 1;
		q ^= q << 2;
		q ^= q << 4;
		q ^= q & 0x80 ? 0x09 : 0;
		sbox[p] = q ^ rotate(q, 1) ^ rotate(q, 2) ^ rotate(q, 3) ^ rotate(q, 4) ^ 0x63;
	} while (p != 1);
	sbox[0] = 0x63;
	for (u32 i = 0; i < 256; i++)
		inverse[sbox[i]] = i;
}

static void expand_key(const u8 *key, u8 (*round)[16])
{
	u8 *word = round[1], constant = 1;

	memcpy(round[0], key, 16);
	for (u32 i = 4; i < 44; i++, word += 4) {
		u8 t[4];

		memcpy(t, word - 4, 4);
		if (i % 4 == 0) {
			u8 first = t[0];

			t[0] = sbox[t[1]] ^ constant;
			t[1] = sbox[t[2]];
			t[2] = sbox[t[3]];
			t[3] = sbox[first];
			constant = times_two(constant);
		}
		for (s32 k = 0; k < 4; k++)
			word[k] = word[k - 16] ^ t[k];
	}
}

static void add_key(u8 *state, const u8 *key)
{
	for (u32 i = 0; i < 16; i++)
		state[i] ^= key[i];
}

static void substitute_and_shift(u8 *state, bool forward)
{
	u8 t[16];

	for (u32 i = 0; i < 16; i++) {
		u32 from = (forward ? i + 4 * (i % 4) : i + 12 * (i % 4)) % 16;

		t[i] = forward ? sbox[state[from]] : inverse[state[from]];
	}
	memcpy(state, t, 16);
}

static void mix_columns(u8 *state, u8 a, u8 b, u8 c, u8 d)
{
	for (u32 i = 0; i < 16; i += 4) {
		u8 s[4];

		memcpy(s, state + i, 4);
		for (u32 k = 0; k < 4; k++)
			state[i + k] = multiply(s[k], a) ^ multiply(s[(k + 1) % 4], b) ^
				       multiply(s[(k + 2) % 4], c) ^ multiply(s[(k + 3) % 4], d);
	}
}

static void encrypt(u8 *state, u8 (*key)[16])
{
	add_key(state, key[0]);
	for (u32 round = 1; round <= 10; round++) {
		substitute_and_shift(state, true);
		if (round < 10)
			mix_columns(state, 2, 3, 1, 1);
		add_key(state, key[round]);
	}
}

static void decrypt(u8 *state, u8 (*key)[16])
{
	for (u32 round = 10; round; round--) {
		add_key(state, key[round]);
		if (round < 10)
			mix_columns(state, 14, 11, 13, 9);
		substitute_and_shift(state, false);
	}
	add_key(state, key[0]);
}

static void rc4(const char *key, u8 *data, u32 bytes)
{
	u8 s[256], i = 0, j = 0;
	size_t length = text_length(key);

	for (u32 k = 0; k < 256; k++)
		s[k] = k;
	for (u32 k = 0; k < 256; k++) {
		u8 t = s[k];

		j += t + key[k % length];
		s[k] = s[j];
		s[j] = t;
	}
	for (j = 0; bytes--; data++) {
		u8 t = s[++i];

		j += t;
		s[i] = s[j];
		s[j] = t;
		*data ^= s[(u8)(s[i] + t)];
	}
}

void program_aes(void)
{
	u8 key[16], block[16], round[11][16], text[] = "Plaintext";

	make_tables();
	/* FIPS 197, appendix C.1: 69c4e0d86a7b0430d8cdb78070b4c55a. */
	for (u32 i = 0; i < 16; i++) {
		key[i] = i;
		block[i] = i * 0x11;
	}
	expand_key(key, round);
	out_bytes("last key", round[10], 16);
	encrypt(block, round);
	out_bytes("encrypted", block, 16);
	decrypt(block, round);
	out_bytes("decrypted", block, 16);
	for (u32 i = 0; i < 20; i++)
		encrypt(block, round);
	out_bytes("chained", block, 16);
	rc4("Key", text, 9);
	out_bytes("rc4", text, 9);
}
