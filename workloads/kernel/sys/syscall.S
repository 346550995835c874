/*
 * System call entry (SDM Vol. 2B, "SYSCALL", "SYSRET"): RCX holds the user's RIP, R11 its flags,
 * and the stack is still the user's. Interrupts are off until there is a kernel stack; neither
 * SYSCALL, SWAPGS nor SYSRET waits for the store buffer.
 */
#include "../arch/cpu.h"
#include "../arch/frame.h"
#include "../memlayout.h"

	.text
	.globl syscall_entry
syscall_entry:
	swapgs
	mov %rsp, %gs:CPU_USER_SP
	mov %gs:CPU_KERNEL_SP, %rsp
	push $USER_DS
	push %gs:CPU_USER_SP
	push %r11
	push $USER_CS
	push %rcx
	push $0
	push %rax
	SAVE_REGS
	sti
	mov %rsp, %rdi
	call syscall_dispatch
	cli
	cmpl $0, %gs:CPU_NEED_RESCHED
	jne 2f
1:	RESTORE_REGS
	add $16, %rsp
	pop %rcx
	add $8, %rsp
	pop %r11
	pop %rsp
	swapgs
	sysretq

2:	call exit_to_user	# returns with interrupts off
	jmp 1b
	.section .note.GNU-stack, "", @progbits
