/*
 * Console output through a 16550 UART (National Semiconductor PC16550D data sheet, register names
 * from there). Polled: the kernel takes no UART interrupt.
 */
#include "printk.h"

#include "../arch/spinlock.h"
#include "string.h"

#define UART_THR (UART_PORT + 0) /* Transmitter Holding Register */
#define UART_IER (UART_PORT + 1) /* Interrupt Enable Register */
#define UART_FCR (UART_PORT + 2) /* FIFO Control Register */
#define UART_LCR (UART_PORT + 3) /* Line Control Register */
#define UART_LSR (UART_PORT + 5) /* Line Status Register */
#define LCR_8N1 0x03
#define FCR_ENABLE 0x07
#define LSR_THRE 0x20 /* Transmitter Holding Register Empty */

#define LINE_MAX 256

static DEFINE_SPINLOCK(console_lock);

void console_init(void)
{
	outb(UART_IER, 0);
	outb(UART_LCR, LCR_8N1);
	outb(UART_FCR, FCR_ENABLE);
}

static void uart_put(char c)
{
	for (u32 i = 0; i < UART_SPINS && !(inb(UART_LSR) & LSR_THRE); i++)
		cpu_relax();
	outb(UART_THR, c);
}

void console_write(const char *text, size_t bytes)
{
	u64 flags = irq_save();

	/* Not counted: also before this CPU has its struct cpu, and in images without one. */
	raw_spin_lock(&console_lock);
	for (size_t i = 0; i < bytes; i++)
		uart_put(text[i]);
	raw_spin_unlock(&console_lock);
	irq_restore(flags);
}

/* Where formatted text goes: counts on past the end so that nothing is written there. */
struct output {
	char *to;
	size_t size, length;
};

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->size)
		out->to[out->length++] = c;
}

static void put_number(struct output *out, u64 value, u32 base)
{
	char digits[20];
	u32 count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	while (count)
		put(out, digits[--count]);
}

void vsnprintf(char *to, size_t size, const char *format, va_list args)
{
	struct output out = { to, size, 0 };

	for (; *format; format++) {
		bool wide = false;

		if (*format != '%') {
			put(&out, *format);
			continue;
		}
		if (*++format == 'l') {
			wide = true;
			format++;
		}
		switch (*format) {
		case 's':
			for (const char *text = va_arg(args, const char *); *text; text++)
				put(&out, *text);
			break;
		case 'c':
			put(&out, va_arg(args, int));
			break;
		case 'd': {
			long value = wide ? va_arg(args, long) : va_arg(args, int);

			if (value < 0)
				put(&out, '-');
			put_number(&out, value < 0 ? -(u64)value : (u64)value, 10);
			break;
		}
		case 'u':
		case 'x':
			put_number(&out, wide ? va_arg(args, u64) : va_arg(args, u32),
				   *format == 'x' ? 16 : 10);
			break;
		default:
			put(&out, *format);
		}
	}
	out.to[out.length] = 0;
}

void printk(const char *format, ...)
{
	char line[LINE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	console_write(line, strlen(line));
}
