/*
 * struct task *switch_to(struct task *prev, struct task *next)
 *
 * Leaves prev on its own stack and continues next where it called this; gives next the task that
 * ran before it. Only the registers that C expects to survive a call are kept.
 */
#include "../core/task-offsets.h"

	.text
	.globl switch_to
switch_to:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, TASK_KERNEL_SP(%rdi)
	mov TASK_KERNEL_SP(%rsi), %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	mov %rdi, %rax
	ret

/* Where a new task begins: what switch_to returns is the task that ran before. Its stack holds
 * pt_regs. */
	.globl ret_from_fork
ret_from_fork:
	mov %rax, %rdi
	call schedule_tail
	jmp return_from_interrupt
	.section .note.GNU-stack, "", @progbits
