/*
 * long usercopy(void *to, const void *from, u64 bytes)
 *
 * Copies eight bytes at a time and then the rest. One side is a user address, so any access may
 * fault; usercopy_fixup() then sends it to usercopy_fault.
 */
#include "../sys/errno.h"

	.text
	.globl usercopy, usercopy_end, usercopy_fault
usercopy:
	mov %rdx, %rcx
	shr $3, %rcx
	rep movsq
	mov %edx, %ecx
	and $7, %ecx
	rep movsb
usercopy_end:
	xor %eax, %eax
	ret
usercopy_fault:
	mov $-EFAULT, %rax
	ret
	.section .note.GNU-stack, "", @progbits
