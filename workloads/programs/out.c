/* Output of the programs: formatted into a buffer, written when it is full and at the end. */
#include "programs.h"

static char buffer[2048];
static u32 used;

void out_flush(void)
{
	if (used)
		sys_write(1, buffer, used);
	used = 0;
}

static void put(char c)
{
	if (used == sizeof(buffer))
		out_flush();
	buffer[used++] = c;
}

static void put_number(u64 value, bool negative, u32 base, u32 width, char pad)
{
	char digits[24];
	u32 count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (negative && pad == '0')
		put('-');
	for (u32 i = count + negative; i < width; i++)
		put(pad);
	if (negative && pad != '0')
		put('-');
	while (count)
		put(digits[--count]);
}

size_t text_length(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

static void put_text(const char *text, u32 width)
{
	for (size_t i = text_length(text); i < width; i++)
		put(' ');
	while (*text)
		put(*text++);
}

void out(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	for (; *format; format++) {
		u32 width = 0;
		char pad = ' ';
		bool wide = false;

		if (*format != '%') {
			put(*format);
			continue;
		}
		if (*++format == '0')
			pad = '0';
		for (; *format >= '0' && *format <= '9'; format++)
			width = width * 10 + (*format - '0');
		if (*format == 'l') {
			wide = true;
			format++;
		}
		switch (*format) {
		case 's':
			put_text(va_arg(args, const char *), width);
			break;
		case 'c':
			put(va_arg(args, int));
			break;
		case 'd': {
			s64 value = wide ? va_arg(args, s64) : va_arg(args, int);

			put_number(value < 0 ? -(u64)value : (u64)value, value < 0, 10, width, pad);
			break;
		}
		case 'u':
		case 'x':
			put_number(wide ? va_arg(args, u64) : va_arg(args, u32), false,
				   *format == 'x' ? 16 : 10, width, pad);
			break;
		default:
			put(*format);
		}
	}
	va_end(args);
}

void out_bytes(const char *name, const void *bytes, size_t count)
{
	const u8 *byte = bytes;

	out("%s ", name);
	for (size_t i = 0; i < count; i++)
		out("%02x", byte[i]);
	out("\n");
}
