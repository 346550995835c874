/* Copies between the kernel and user addresses, which need not be mapped. */
#include "usercopy.h"

#include "../sys/errno.h"

extern char usercopy_end[], usercopy_fault[];

long copy_to_user(void __user *to, const void *from, u64 bytes)
{
	return access_ok(to, bytes) ? usercopy(to, from, bytes) : -EFAULT;
}

long copy_from_user(void *to, const void __user *from, u64 bytes)
{
	return access_ok(from, bytes) ? usercopy(to, from, bytes) : -EFAULT;
}

long strncpy_from_user(char *to, const char __user *from, u64 size)
{
	for (u64 length = 0; length < size; length++) {
		long error = copy_from_user(&to[length], from + length, 1);

		if (error)
			return error;
		if (!to[length])
			return length;
	}
	return -ENAMETOOLONG;
}

bool usercopy_fixup(struct pt_regs *regs)
{
	if (regs->rip < (u64)usercopy || regs->rip >= (u64)usercopy_end)
		return false;
	regs->rip = (u64)usercopy_fault;
	return true;
}
