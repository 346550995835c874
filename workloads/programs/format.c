/* A printf of its own: flags, width, precision, lengths, bases 2 to 36. */
#include "programs.h"

struct output {
	char text[128];
	u32 length;
};

struct spec {
	bool left, plus, space, zero, alternate;
	int width, precision;
	u32 size; /* bytes of the argument */
};

static void put(struct output *o, char c, int times)
{
	while (times-- > 0 && o->length < sizeof(o->text) - 1)
		o->text[o->length++] = c;
}

static void put_padded(struct output *o, const struct spec *spec, const char *prefix,
		       const char *body, int length, int zeros)
{
	int prefix_length = text_length(prefix);
	int pad = spec->width - prefix_length - length - zeros;

	if (!spec->left && !spec->zero)
		put(o, ' ', pad);
	while (*prefix)
		put(o, *prefix++, 1);
	if (!spec->left && spec->zero)
		put(o, '0', pad);
	put(o, '0', zeros);
	for (int i = 0; i < length; i++)
		put(o, body[i], 1);
	if (spec->left)
		put(o, ' ', pad);
}

static void put_integer(struct output *o, struct spec *spec, u64 value, const char *sign, u32 base,
			bool upper)
{
	char digits[65], *at = digits + sizeof(digits);
	int length;

	while (value) {
		*--at = (upper ? "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       : "0123456789abcdefghijklmnopqrstuvwxyz")[value % base];
		value /= base;
	}
	length = digits + sizeof(digits) - at;
	if (spec->precision >= 0)
		spec->zero = false;
	else
		spec->precision = 1;
	put_padded(o, spec, sign, at, length,
		   spec->precision > length ? spec->precision - length : 0);
}

static s64 signed_argument(u32 size, va_list *args)
{
	switch (size) {
	case 1:
		return (s8)va_arg(*args, int);
	case 2:
		return (s16)va_arg(*args, int);
	case 4:
		return va_arg(*args, int);
	default:
		return va_arg(*args, s64);
	}
}

static int number(const char **format, va_list *args)
{
	int value = 0;

	if (**format == '*') {
		++*format;
		return va_arg(*args, int);
	}
	while (**format >= '0' && **format <= '9')
		value = value * 10 + *(*format)++ - '0';
	return value;
}

static const char *parse(const char *format, struct spec *spec, va_list *args)
{
	*spec = (struct spec){ .precision = -1, .size = 4 };
	for (;; format++) {
		if (*format == '-')
			spec->left = true;
		else if (*format == '+')
			spec->plus = true;
		else if (*format == ' ')
			spec->space = true;
		else if (*format == '0')
			spec->zero = true;
		else if (*format == '#')
			spec->alternate = true;
		else
			break;
	}
	spec->width = number(&format, args);
	if (spec->width < 0) {
		spec->left = true;
		spec->width = -spec->width;
	}
	if (*format == '.') {
		format++;
		spec->precision = number(&format, args);
	}
	for (; *format == 'h' || *format == 'l'; format++)
		spec->size = *format == 'l' ? 8 : spec->size / 2;
	return format;
}

static void convert(struct output *o, char kind, struct spec *spec, va_list *args)
{
	u64 mask = spec->size == 8 ? ~0ul : (1ul << spec->size * 8) - 1;

	if (kind == 'd' || kind == 'i') {
		s64 value = signed_argument(spec->size, args);
		const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";

		put_integer(o, spec, value < 0 ? -(u64)value : (u64)value, sign, 10, false);
	} else if (kind == 's') {
		const char *text = va_arg(*args, const char *);
		int length = text_length(text);

		if (spec->precision >= 0 && spec->precision < length)
			length = spec->precision;
		put_padded(o, spec, "", text, length, 0);
	} else if (kind == 'c') {
		char c = va_arg(*args, int);

		put_padded(o, spec, "", &c, 1, 0);
	} else if (kind == '%') {
		put(o, '%', 1);
	} else {
		u64 value = (u64)signed_argument(spec->size, args) & mask;
		u32 base = kind == 'o' ? 8 : kind == 'b' ? 2 : kind == 'u' ? 10 : kind == 'z' ? 36
											: 16;
		const char *prefix = !spec->alternate || !value ? "" : kind == 'o' ? "0"
				     : kind == 'X' ? "0X" : kind == 'b' ? "0b" : "0x";

		put_integer(o, spec, value, prefix, base, kind == 'X');
	}
}

static void line(const char *format, ...)
{
	struct output o = { .length = 0 };
	va_list args;

	va_start(args, format);
	for (; *format; format++) {
		struct spec spec;

		if (*format != '%') {
			put(&o, *format, 1);
			continue;
		}
		format = parse(format + 1, &spec, &args);
		convert(&o, *format, &spec, &args);
	}
	va_end(args);
	o.text[o.length] = 0;
	out("%s|\n", o.text);
}

void program_format(void)
{
	line("%d %i %u %x %X %o", -1, 2147483647, 4294967295u, 0xdeadbeef, 0xdeadbeef, 0755);
	line("[%5d][%-5d][%05d][%+d][% d]", 42, 42, 42, 42, 42);
	line("[%.3d][%8.3d][%-8.3d][%08.3d][%.0d]", 7, 7, -7, -7, 0);
	line("%hhd %hd %d %ld", 200, 40000, -2147483647 - 1, -9223372036854775807 - 1);
	line("%hhu %hx %lx %lu", -1, -1, -1l, -1l);
	line("%#x %#X %#o %#b %#x", 255, 255, 8, 5, 0);
	line("[%10s][%-10s][%.2s][%*s][%-*s]", "abc", "abc", "abc", 6, "de", 6, "de");
	line("[%*d][%*d][%.*d]", 6, 1, -6, 2, 4, 3);
	line("%c%c%c%%[%3c]", 'x', 'y', 'z', 'w');
	line("%lb", 0xf0f0f0f0f0f0f0f0);
	line("%lz %z", -1l, 36 * 36 + 10);
}
