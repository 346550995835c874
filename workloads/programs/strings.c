/* Strings: searching, tokens, parsing, and the string instructions with their repeat prefixes. */
#include "programs.h"

static int compare(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (u8)*a - (u8)*b;
}

static const char *find(const char *text, const char *what)
{
	size_t length = text_length(what);

	for (; *text; text++)
		if (memcmp(text, what, length) == 0)
			return text;
	return NULL;
}

static size_t scan_length(const char *text)
{
	u64 count = ~0ul;

	asm volatile("repne scasb" : "+D"(text), "+c"(count) : "a"(0) : "memory", "cc");
	return ~count - 1;
}

static void move_words(void *to, const void *from, u64 count)
{
	asm volatile("rep movsw" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

static void move_backwards(void *to, const void *from, u64 count)
{
	asm volatile("std; rep movsb; cld" : "+D"(to), "+S"(from), "+c"(count) : : "memory", "cc");
}

static void fill_quads(void *to, u64 value, u64 count)
{
	asm volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(value) : "memory");
}

/* How many leading bytes are equal. */
static u64 equal_bytes(const void *a, const void *b, u64 count)
{
	u64 left = count;
	u8 equal;

	asm volatile("cmpb %%al, %%al; repe cmpsb; sete %3"
		     : "+S"(a), "+D"(b), "+c"(left), "=q"(equal)
		     :
		     : "memory", "cc");
	return equal ? count : count - left - 1;
}

static u32 sum_by_load(const u32 *from, u32 count)
{
	u32 sum = 0, value;

	while (count--) {
		asm volatile("lodsl" : "=a"(value), "+S"(from) : : "memory");
		sum = sum * 3 + value;
	}
	return sum;
}

static void tokens(const char *text, const char *separators)
{
	u64 set[4] = { 1 };

	for (; *separators; separators++)
		set[(u8)*separators / 64] |= 1ul << (u8)*separators % 64;
	while (*text) {
		u32 length = 0;

		while (!(set[(u8)text[length] / 64] >> (u8)text[length] % 64 & 1))
			length++;
		if (length) {
			out("[");
			for (u32 i = 0; i < length; i++)
				out("%c", text[i]);
			out("]");
		}
		text += length + (text[length] != 0);
	}
	out("\n");
}

static s64 parse(const char *text, u32 base)
{
	bool negative = *text == '-';
	s64 value = 0;

	for (text += negative; *text; text++) {
		u32 digit = *text <= '9' ? *text - '0' : (*text | 32) - 'a' + 10;

		if (digit >= base)
			break;
		value = value * base + digit;
	}
	return negative ? -value : value;
}

void program_strings(void)
{
	static const char text[] = "the bus, the cache; the store buffer";
	char copy[80] = "", other[80] = "";
	u32 numbers[16];

	out("%ld %ld %s\n", scan_length(text), scan_length(""), find(text, "store"));
	out("%d %d %d\n", compare("abc", "abd") < 0, compare("abc", "ab") > 0, compare("x", "x"));
	memcpy(copy, text, sizeof(text));
	move_words(other, text, 10);
	out("%s|%lu\n", other, equal_bytes(copy, other, sizeof(text)));
	/* Overlapping, so that the direction is seen. */
	move_backwards(copy + 14, copy + 9, 10);
	out("%s\n", copy);
	memcpy(copy, text, sizeof(text));
	memcpy(copy + 5, copy + 4, 10);
	out("%s\n", copy);
	memcpy(copy, text, sizeof(text));
	memmove(copy + 5, copy + 4, 10);
	out("%s\n", copy);
	fill_quads(copy, 0x2d3d2d3d2d3d2d3d, 3);
	out("%s %lu\n", copy, equal_bytes("same", "same", 4));
	for (u32 i = 0; i < 16; i++)
		numbers[i] = i * 0x01010101;
	out("%08x\n", sum_by_load(numbers, 16));
	tokens(text, " ,;");
	out("%ld %ld %lx %ld\n", parse("-12345x", 10), parse("777", 8), parse("DeadBeef", 16),
	    parse("-z", 36));
}
