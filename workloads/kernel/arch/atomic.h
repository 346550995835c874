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

/* XCHG with memory locks by itself. */
#define xchg(place, value)                                                                         \
	({                                                                                         \
		__typeof__(*(place)) new_ = (value);                                               \
		asm volatile("xchg %0, %1" : "+r"(new_), "+m"(*(place)) : : "memory");             \
		new_;                                                                              \
	})

#endif
