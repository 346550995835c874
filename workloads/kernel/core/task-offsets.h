/* Offsets within struct task that assembly uses; task.c asserts them. */
#ifndef TASK_OFFSETS_H
#define TASK_OFFSETS_H

#define TASK_KERNEL_SP 64

#endif
