/*
 * Interrupt and exception entries. Each entry leaves struct pt_regs on the stack; those that the
 * CPU gives no error code push a zero in its place. An interrupt from user mode arrives with the
 * user's GS base.
 */
#include "../memlayout.h"
#include "frame.h"

	.text
	.macro ENTRY_POINT vector, has_error
	.balign 16
	.if \has_error == 0
	push $0
	.endif
	push $\vector
	jmp irq_common
	.endm

	.globl exception_entries
	.balign 16
exception_entries:
	/* SDM Vol. 3A, "Exceptions and Interrupts": #DF #TS #NP #SS #GP #PF #AC #CP have an error
	 * code. */
	.irp vector, 0, 1, 2, 3, 4, 5, 6, 7
	ENTRY_POINT \vector, 0
	.endr
	ENTRY_POINT 8, 1
	ENTRY_POINT 9, 0
	.irp vector, 10, 11, 12, 13, 14
	ENTRY_POINT \vector, 1
	.endr
	ENTRY_POINT 15, 0
	ENTRY_POINT 16, 0
	ENTRY_POINT 17, 1
	.irp vector, 18, 19, 20
	ENTRY_POINT \vector, 0
	.endr
	ENTRY_POINT 21, 1
	.irp vector, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ENTRY_POINT \vector, 0
	.endr

	.globl device_entries
	.balign 16
device_entries:
	.set vector, 0x30
	.rept 64
	.balign 16
	push $0
	push $vector
	jmp irq_common
	.set vector, vector + 1
	.endr

	.globl timer_entry
	.balign 16
timer_entry:
	push $0
	push $0xfc
	jmp irq_common

	.globl reschedule_entry
	.balign 16
reschedule_entry:
	push $0
	push $0xfd
	jmp irq_common

	.globl spurious_entry
	.balign 16
spurious_entry:
	iretq

irq_common:
	SAVE_REGS
	testb $3, REGS_CS(%rsp)
	jz 1f
	swapgs
1:	cld
	mov %rsp, %rdi
	call irq_dispatch

	.globl return_from_interrupt
return_from_interrupt:
	testb $3, REGS_CS(%rsp)
	jz 2f
	cli
	swapgs
2:	RESTORE_REGS
	add $16, %rsp
	iretq
	.section .note.GNU-stack, "", @progbits
