#include "string.h"

#include "../arch/x86.h"

void *memcpy(void *to, const void *from, size_t bytes)
{
	u8 *t = to;
	const u8 *f = from;

	if (bytes >= 64) {
		rep_movsq(t, f, bytes / 8);
		t += bytes & ~7ul;
		f += bytes & ~7ul;
		bytes &= 7;
	}
	while (bytes--)
		*t++ = *f++;
	return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
	u8 *t = to;
	const u8 *f = from;

	if (t <= f || t >= f + bytes)
		return memcpy(to, from, bytes);
	while (bytes--)
		t[bytes] = f[bytes];
	return to;
}

void *memset(void *to, int byte, size_t bytes)
{
	u8 *t = to;

	if (bytes >= 64) {
		rep_stosq(t, (u8)byte * 0x0101010101010101, bytes / 8);
		t += bytes & ~7ul;
		bytes &= 7;
	}
	while (bytes--)
		*t++ = byte;
	return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const u8 *x = a, *y = b;

	for (; bytes--; x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

size_t strnlen(const char *text, size_t limit)
{
	size_t length = 0;

	while (length < limit && text[length])
		length++;
	return length;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t limit)
{
	for (; limit--; a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

void strlcpy(char *to, const char *from, size_t size)
{
	while (size > 1 && *from) {
		*to++ = *from++;
		size--;
	}
	*to = 0;
}
