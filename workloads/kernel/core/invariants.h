/* What must never be, as far as the kernel itself can see it while it runs. */
#ifndef INVARIANTS_H
#define INVARIANTS_H

#include "task.h"

/*
 * I001: does the task sleep in io_getevents for more events than it has, while one is in its ring?
 * A wake-up may be on its way: only if it stays so is it lost. Under the table's lock.
 */
bool sleeps_beside_event(const struct task *task);

#endif
