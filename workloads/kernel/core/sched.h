/* The scheduler: one run queue per CPU, tasks stay where they last ran. */
#ifndef SCHED_H
#define SCHED_H

#include "task.h"

/* Gives up the CPU; returns when the task is runnable again and its turn has come. */
void schedule(void);
/* The same, counted as waiting for I/O. */
void io_schedule(void);
void sched_yield(void);

/* Makes `task` runnable if its state is one of `states`. False when it was not, or was still
 * running. */
bool try_to_wake_up(struct task *task, u64 states);
void wake_up_new_task(struct task *task);

/* Sends the CPU through schedule() or exit_to_user() soon. */
void resched_cpu(u32 cpu);

long sched_setaffinity(u64 mask);

/* What is left to do before user mode: end, or let another task run. Called with interrupts off. */
void exit_to_user(void);

/* First thing that a new task does. */
void schedule_tail(struct task *prev);

noreturn void cpu_idle(void);
void sched_init(void);

#endif
