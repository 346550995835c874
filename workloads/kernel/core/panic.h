/* The end of everything: a broken invariant, with the values that show it. */
#ifndef PANIC_H
#define PANIC_H

#include "types.h"

struct pt_regs;

noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An exception in kernel mode. */
noreturn void panic_regs(const struct pt_regs *regs, u64 fault_address);

#define BUG_ON(condition)                                                                          \
	do {                                                                                       \
		if (unlikely(condition))                                                           \
			panic("%s:%d: %s", __FILE__, __LINE__, #condition);                        \
	} while (0)

/* Somebody holds the lock, and it ought to be the caller. */
#define ASSERT_SPIN_LOCKED(lock)                                                                   \
	do {                                                                                       \
		if (unlikely(!spin_is_locked(lock)))                                               \
			panic("%s:%d: the lock %s is not held", __FILE__, __LINE__, #lock);        \
	} while (0)

#endif
