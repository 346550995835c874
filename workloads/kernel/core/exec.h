/* Starting a user program. */
#ifndef EXEC_H
#define EXEC_H

#include "task.h"

/* A new process that runs the ELF image in [image, image + size) with the boot command line's
 * arguments. Its first thread is not running yet. */
struct task *exec(const void *image, u64 size);

#endif
