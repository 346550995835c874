/* Compression in the manner of LZ77 (Ziv and Lempel), and back. */
#include "programs.h"

#define TEXT_BYTES 4096
#define WINDOW 1024
#define MATCH_MIN 4
#define MATCH_MAX 130
#define HASH_SLOTS 256

static u8 text[TEXT_BYTES], packed[2 * TEXT_BYTES], unpacked[TEXT_BYTES];

/* A text with repetitions: words of a small language. */
static void make_text(void)
{
	static const char *const words[] = { "cache ", "line ", "bus ", "store ", "load ", "fence ",
					     "lock ", "owner ", "the ", "of ", "a ", "wait " };
	u64 state = 2024;
	size_t at = 0;

	while (at < TEXT_BYTES) {
		const char *word = words[next_random(&state) % ARRAY_SIZE(words)];

		while (*word && at < TEXT_BYTES)
			text[at++] = *word++;
		if (next_random(&state) % 13 == 0 && at < TEXT_BYTES)
			text[at++] = next_random(&state);
	}
}

static u32 hash(const u8 *at)
{
	u32 word;

	memcpy(&word, at, 4);
	return word * 2654435761u >> 24;
}

static u32 match_length(const u8 *a, const u8 *b, u32 limit)
{
	u32 length = 0;

	while (length < limit && a[length] == b[length])
		length++;
	return length;
}

/*
 * 0nnnnnnn: n + 1 literals follow. 1nnnnnnn low high: n + MATCH_MIN bytes from that distance.
 */
static size_t compress(const u8 *from, size_t bytes, u8 *to)
{
	s32 last[HASH_SLOTS];
	size_t at = 0, literals = 0, written = 0;

	memset(last, 0xff, sizeof(last));
	while (at < bytes) {
		u32 length = 0;
		s32 candidate = -1;

		if (at + MATCH_MIN <= bytes) {
			u32 slot = hash(from + at);
			u32 limit = bytes - at < MATCH_MAX ? bytes - at : MATCH_MAX;

			candidate = last[slot];
			last[slot] = at;
			if (candidate >= 0 && at - candidate <= WINDOW)
				length = match_length(from + candidate, from + at, limit);
		}
		if (length >= MATCH_MIN) {
			u32 distance = at - candidate;

			to[written++] = 0x80 | (length - MATCH_MIN);
			to[written++] = distance;
			to[written++] = distance >> 8;
			at += length;
			literals = 0;
		} else {
			if (literals == 0)
				to[written++] = 0xff;
			to[written - 1 - literals] = literals;
			to[written++] = from[at++];
			literals = literals == 127 ? 0 : literals + 1;
		}
	}
	return written;
}

static size_t expand(const u8 *from, size_t bytes, u8 *to)
{
	const u8 *end = from + bytes;
	u8 *start = to;

	while (from < end) {
		u8 token = *from++;

		if (token & 0x80) {
			const u8 *source = to - (from[0] | from[1] << 8);

			from += 2;
			/* Byte by byte: the ranges may overlap. */
			for (u32 i = 0; i < (token & 0x7fu) + MATCH_MIN; i++)
				*to++ = *source++;
		} else {
			for (u32 i = 0; i < token + 1u; i++)
				*to++ = *from++;
		}
	}
	return to - start;
}

static void report(const char *name, size_t bytes)
{
	size_t small = compress(text, bytes, packed);
	size_t back = expand(packed, small, unpacked);
	u32 sum = 0;

	for (size_t i = 0; i < small; i++)
		sum = sum * 31 + packed[i];
	out("%s %lu to %lu to %lu %s sum %08x\n", name, bytes, small, back,
	    memcmp(text, unpacked, bytes) == 0 ? "equal" : "DIFFERENT", sum);
}

void program_lz(void)
{
	make_text();
	out("%c%c%c%c%c%c%c%c\n", text[0], text[1], text[2], text[3], text[4], text[5], text[6],
	    text[7]);
	report("words", TEXT_BYTES);
	report("short", 3);
	memset(text, 'x', 1000);
	report("run", 1000);
	for (u32 i = 0; i < 1000; i++)
		text[i] = i * i >> 3;
	report("squares", 1000);
	out_bytes("start", packed, 32);
}
