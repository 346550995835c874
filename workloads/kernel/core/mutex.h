/*
 * Adaptive mutexes, as illumos has them: whoever finds the mutex held spins while the owner runs on
 * some CPU, and blocks when it does not.
 *
 *     owner: 0, or the owner's task, with bit 0 set when somebody is blocked
 */
#ifndef MUTEX_H
#define MUTEX_H

#include "task.h"

#define MUTEX_WAITERS 1ul

typedef struct {
	u64 owner;
} kmutex_t;

typedef struct {
	spinlock_t lock;
	struct list_head waiters;
} kcondvar_t;

void mutex_init(kmutex_t *mutex);
void mutex_enter(kmutex_t *mutex);

/* mutex.S: a compare and a plain store; waiters take the slow way. */
void mutex_exit(kmutex_t *mutex);
void mutex_exit_slow(kmutex_t *mutex);

static inline bool mutex_owned(const kmutex_t *mutex)
{
	return (READ_ONCE(mutex->owner) & ~MUTEX_WAITERS) == (u64)current;
}

/* An interrupt in the middle of mutex_exit() sends it back to its beginning. */
void mutex_restart(struct pt_regs *regs);

void cv_init(kcondvar_t *cv);
/* Sleeps with the mutex released; taken again on return. False: the process is going away. */
bool cv_wait(kcondvar_t *cv, kmutex_t *mutex);
void cv_signal(kcondvar_t *cv);

void mutexes_init(void);

#endif
