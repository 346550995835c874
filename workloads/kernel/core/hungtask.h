/*
 * The watchdog: a task that has slept without interruption from one look to the next one is told,
 * and the machine panics. Off unless the boot parameter hung_task=MICROSECONDS, the time between
 * two looks, is given: its timer is an event to come, so with it the machine is never quiescent.
 */
#ifndef HUNGTASK_H
#define HUNGTASK_H

#include "types.h"

/* 0: off. */
void hungtask_init(u64 microseconds);

#endif
