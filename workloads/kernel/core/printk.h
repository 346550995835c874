/* The console: the UART. */
#ifndef PRINTK_H
#define PRINTK_H

#include <stdarg.h>

#include "types.h"

/* %s %c %d %u %x, and with l the 64-bit ones; nothing else. One call is one uninterrupted piece. */
void printk(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As printf: the text with its zero in `to`, cut to `size`. */
void vsnprintf(char *to, size_t size, const char *format, va_list args);

void console_init(void);
void console_write(const char *text, size_t bytes);

#endif
