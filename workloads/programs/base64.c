/* Base64 and hexadecimal (RFC 4648), run lengths, and a line-folding encoder. */
#include "programs.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t encode(const u8 *from, size_t bytes, char *to)
{
	char *start = to;

	for (; bytes >= 3; bytes -= 3, from += 3) {
		u32 word = from[0] << 16 | from[1] << 8 | from[2];

		for (u32 shift = 24; shift; shift -= 6)
			*to++ = alphabet[word >> (shift - 6) & 63];
	}
	if (bytes) {
		u32 word = from[0] << 16 | (bytes == 2 ? from[1] << 8 : 0);

		*to++ = alphabet[word >> 18];
		*to++ = alphabet[word >> 12 & 63];
		*to++ = bytes == 2 ? alphabet[word >> 6 & 63] : '=';
		*to++ = '=';
	}
	*to = 0;
	return to - start;
}

static int digit(char c)
{
	switch (c) {
	case 'A' ... 'Z':
		return c - 'A';
	case 'a' ... 'z':
		return c - 'a' + 26;
	case '0' ... '9':
		return c - '0' + 52;
	case '+':
		return 62;
	case '/':
		return 63;
	default:
		return -1;
	}
}

/* Returns the number of bytes, or -1 minus the position of what is no digit. */
static long decode(const char *from, u8 *to)
{
	u32 word = 0, bits = 0;
	u8 *start = to;

	for (long i = 0; from[i] && from[i] != '='; i++) {
		int value = digit(from[i]);

		if (value < 0)
			return -1 - i;
		word = word << 6 | value;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*to++ = word >> bits;
		}
	}
	return to - start;
}

static void hexadecimal(const u8 *from, size_t bytes, char *to)
{
	while (bytes--) {
		*to++ = "0123456789ABCDEF"[*from >> 4];
		*to++ = "0123456789ABCDEF"[*from++ & 15];
	}
	*to = 0;
}

void program_base64(void)
{
	static const char *const texts[] = { "", "f", "fo", "foo", "foob", "fooba", "foobar" };
	u8 bytes[256], back[256];
	char coded[400];
	u32 wrong = 0;

	for (u32 i = 0; i < ARRAY_SIZE(texts); i++) {
		size_t length = text_length(texts[i]);

		encode((const u8 *)texts[i], length, coded);
		out("%s ", coded);
		hexadecimal((const u8 *)texts[i], length, coded);
		out("%s\n", coded);
	}
	for (u32 i = 0; i < sizeof(bytes); i++)
		bytes[i] = i * 167 + 13;
	for (u32 length = 0; length < sizeof(bytes); length++) {
		size_t written = encode(bytes, length, coded);

		wrong += written != (length + 2) / 3 * 4;
		wrong += decode(coded, back) != (long)length || memcmp(bytes, back, length) != 0;
	}
	encode(bytes, 48, coded);
	out("%s\n%u wrong\n", coded, wrong);
	out("%ld %ld %ld\n", decode("Zm9v!mFy", back), decode("\xff", back), decode("====", back));
}
