/* Memory and strings. memcpy, memmove, memset and memcmp are also what the compiler calls by
 * itself. */
#ifndef STRING_H
#define STRING_H

#include "types.h"

void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

size_t strlen(const char *text);
size_t strnlen(const char *text, size_t limit);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t limit);

/* Copies as much as fits, always with a terminating zero. */
void strlcpy(char *to, const char *from, size_t size);

#endif
