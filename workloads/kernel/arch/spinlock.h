/*
 * Spin locks as x86-64 kernels of the 2.6.24 time had them: taken by LOCK DEC, freed by a plain
 * store. Taking one is a full fence because of the LOCK; freeing one is not a fence at all. What
 * was stored inside is visible before the lock looks free only because stores drain in order; a
 * load after the unlock may still be satisfied before the stores inside the section are visible.
 *
 *     slock: 1 free · 0 held · negative: held, and others have tried
 *
 * While it is held, waiters read it from their own caches (the line stays shared) and try again
 * only when they have seen it free.
 *
 * Each CPU counts the locks that it holds, before it takes one and after it has freed it: who
 * holds one must not sleep (core/sched.c), and no interrupt thread may take the CPU from him
 * (core/ithread.c).
 */
#ifndef SPINLOCK_H
#define SPINLOCK_H

#include "atomic.h"
#include "x86.h"

typedef struct {
	int slock;
} spinlock_t;

#define CPU_LOCKS_HELD 136 /* struct cpu: cpu.c asserts it */

static __always_inline void count_lock(void)
{
	asm volatile("incl %%gs:%c0" : : "i"(CPU_LOCKS_HELD) : "memory", "cc");
}

static __always_inline void count_unlock(void)
{
	asm volatile("decl %%gs:%c0" : : "i"(CPU_LOCKS_HELD) : "memory", "cc");
}

#define SPIN_LOCK_UNLOCKED { 1 }
#define DEFINE_SPINLOCK(name) spinlock_t name = SPIN_LOCK_UNLOCKED

static inline void spin_lock_init(spinlock_t *lock)
{
	lock->slock = 1;
}

/* Not counted: for who may come before GS points at the CPU's own. */
static __always_inline void raw_spin_lock(spinlock_t *lock)
{
	asm volatile("1:	lock decl %0\n"
		     "	jns 3f\n"
		     "2:	pause\n"
		     "	cmpl $0, %0\n"
		     "	jle 2b\n"
		     "	jmp 1b\n"
		     "3:\n"
		     : "+m"(lock->slock)
		     :
		     : "memory", "cc");
}

static __always_inline void raw_spin_unlock(spinlock_t *lock)
{
	asm volatile("movl $1, %0" : "=m"(lock->slock) : : "memory");
}

static __always_inline void spin_lock(spinlock_t *lock)
{
	count_lock();
	raw_spin_lock(lock);
}

static __always_inline void spin_unlock(spinlock_t *lock)
{
	raw_spin_unlock(lock);
	count_unlock();
}

/* As kernels for CPUs that reorder stores freed it: the exchange is a full fence, by accident. */
static __always_inline void spin_unlock_xchg(spinlock_t *lock)
{
	int free = 1;

	asm volatile("xchgl %0, %1" : "+r"(free), "+m"(lock->slock) : : "memory");
	count_unlock();
}

static __always_inline void spin_lock_irq(spinlock_t *lock)
{
	irq_disable();
	spin_lock(lock);
}

static __always_inline void spin_unlock_irq(spinlock_t *lock)
{
	spin_unlock(lock);
	irq_enable();
}

static __always_inline u64 spin_lock_irqsave(spinlock_t *lock)
{
	u64 flags = irq_save();

	spin_lock(lock);
	return flags;
}

static __always_inline void spin_unlock_irqrestore(spinlock_t *lock, u64 flags)
{
	spin_unlock(lock);
	irq_restore(flags);
}

static inline bool spin_is_locked(const spinlock_t *lock)
{
	return READ_ONCE(lock->slock) <= 0;
}

/*
 * A reader-writer lock: a count of free places. A reader takes one place, a writer all of them,
 * so one writer or any number of readers hold it.
 */
typedef struct {
	int places;
} rwlock_t;

#define RW_PLACES 0x01000000

static inline void rwlock_init(rwlock_t *lock)
{
	lock->places = RW_PLACES;
}

static __always_inline void read_lock(rwlock_t *lock)
{
	count_lock();
	asm volatile("1:	lock decl %0\n"
		     "	jns 3f\n"
		     "	lock incl %0\n"
		     "2:	pause\n"
		     "	cmpl $0, %0\n"
		     "	jle 2b\n"
		     "	jmp 1b\n"
		     "3:\n"
		     : "+m"(lock->places)
		     :
		     : "memory", "cc");
}

static __always_inline void read_unlock(rwlock_t *lock)
{
	asm volatile("lock incl %0" : "+m"(lock->places) : : "memory", "cc");
	count_unlock();
}

static __always_inline void write_lock(rwlock_t *lock)
{
	count_lock();
	asm volatile("1:	lock subl %1, %0\n"
		     "	jz 3f\n"
		     "	lock addl %1, %0\n"
		     "2:	pause\n"
		     "	cmpl %1, %0\n"
		     "	jne 2b\n"
		     "	jmp 1b\n"
		     "3:\n"
		     : "+m"(lock->places)
		     : "i"(RW_PLACES)
		     : "memory", "cc");
}

static __always_inline void write_unlock(rwlock_t *lock)
{
	asm volatile("lock addl %1, %0" : "+m"(lock->places) : "i"(RW_PLACES) : "memory", "cc");
	count_unlock();
}

#endif
