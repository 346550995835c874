/* The only way to memory that a user program named. */
#ifndef USERCOPY_H
#define USERCOPY_H

#include "irq.h"

/* Whether the range lies in the user half; what is mapped there is found out by touching it. */
static inline bool access_ok(const void __user *place, u64 bytes)
{
	return bytes <= USER_END && (u64)place <= USER_END - bytes;
}

/* usercopy.S: 0, or -EFAULT with part of it copied. */
long usercopy(void *to, const void *from, u64 bytes);

long copy_to_user(void __user *to, const void *from, u64 bytes);
long copy_from_user(void *to, const void __user *from, u64 bytes);

/* Length of a string at a user address copied with its zero, or -EFAULT, -ENAMETOOLONG. */
long strncpy_from_user(char *to, const char __user *from, u64 size);

/* On a page fault inside usercopy: makes it return -EFAULT. */
bool usercopy_fixup(struct pt_regs *regs);

#endif
