/* Locked read-modify-writes. Each is atomic and, like every locked instruction, a full fence: it
 * starts when the store buffer is empty (SDM Vol. 3A, "Loads and Stores Are Not Reordered with
 * Locked Instructions"). */
#ifndef ATOMIC_H
#define ATOMIC_H

#include "../core/types.h"
#include "barrier.h"

typedef struct {
	int counter;
} atomic_t;

static inline int atomic_read(const atomic_t *v)
{
	return READ_ONCE(v->counter);
}

static inline void atomic_set(atomic_t *v, int value)
{
	WRITE_ONCE(v->counter, value);
}

static inline void atomic_inc(atomic_t *v)
{
	asm volatile("lock incl %0" : "+m"(v->counter) : : "memory", "cc");
}

static inline void atomic_dec(atomic_t *v)
{
	asm volatile("lock decl %0" : "+m"(v->counter) : : "memory", "cc");
}

/* True when the value became zero. */
static inline bool atomic_dec_and_test(atomic_t *v)
{
	bool zero;

	asm volatile("lock decl %0; sete %1" : "+m"(v->counter), "=qm"(zero) : : "memory", "cc");
	return zero;
}

/* The value after the addition. */
static inline int atomic_add_return(int n, atomic_t *v)
{
	int old = n;

	asm volatile("lock xaddl %1, %0" : "+m"(v->counter), "+r"(old) : : "memory", "cc");
	return old + n;
}

/* The old value; the new one is stored if that was `old_value`. */
#define cmpxchg(place, old_value, new_value)                                                       \
	({                                                                                         \
		__typeof__(*(place)) was_ = (old_value), new_ = (new_value);                       \
		asm volatile("lock cmpxchg %2, %1"                                                 \
			     : "+a"(was_), "+m"(*(place))                                          \
			     : "r"(new_)                                                           \
			     : "memory", "cc");                                                    \
		was_;                                                                              \
	})

/* Bit `bit` of `word`; the first gives its old value. */
static inline bool test_and_set_bit(u32 bit, u64 *word)
{
	bool old;

	asm volatile("lock btsq %2, %0; setc %1"
		     : "+m"(*word), "=qm"(old)
		     : "r"((u64)bit)
		     : "memory", "cc");
	return old;
}

static inline void set_bit(u32 bit, u64 *word)
{
	asm volatile("lock btsq %1, %0" : "+m"(*word) : "r"((u64)bit) : "memory", "cc");
}

static inline void clear_bit(u32 bit, u64 *word)
{
	asm volatile("lock btrq %1, %0" : "+m"(*word) : "r"((u64)bit) : "memory", "cc");
}

/* XCHG with memory locks by itself. */
#define xchg(place, value)                                                                         \
	({                                                                                         \
		__typeof__(*(place)) new_ = (value);                                               \
		asm volatile("xchg %0, %1" : "+r"(new_), "+m"(*(place)) : : "memory");             \
		new_;                                                                              \
	})

#endif
