/* Sleeping on a word of user memory. */
#ifndef FUTEX_H
#define FUTEX_H

#include "../core/task.h"

void futex_init(void);

/* Sleeps if *word is still `value`: 0 when woken, -EAGAIN when it was not. */
long futex_wait(u32 __user *word, u32 value);

/* Wakes up to `count` tasks that sleep on `word`; how many. */
long futex_wake(u32 __user *word, u32 count);

#endif
