/* Traps, and the ways into a thread of the test and out of it. */
#include "../kernel/arch/frame.h"

#define CPU_EXIT 0	/* struct cpu.exit_registers */
#define CPU_RSP 128	/* struct cpu.harness_rsp */
#define CPU_RIP 136	/* struct cpu.thread_rip */

	.text
	.globl trap_stubs
	.balign 16
trap_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	/* #DF #TS #NP #SS #GP #PF #AC #CP have an error code. */
	.if vector != 8 && (vector < 10 || vector > 14) && vector != 17 && vector != 21
	push $0
	.endif
	push $vector
	jmp trap_common
	.set vector, vector + 1
	.endr

trap_common:
	SAVE_REGS
	cld
	mov %rsp, %rdi
	call trap_dispatch
	RESTORE_REGS
	add $16, %rsp
	iretq

	.macro SAVE_CALLEE
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, %gs:CPU_RSP
	.endm

/* void resume_thread(struct pt_regs *): from these registers until the thread ends. RDX:RAX and the
 * flags are not kept, as in any call. */
	.globl resume_thread
resume_thread:
	SAVE_CALLEE
	mov %rdi, %rsp
	RESTORE_REGS
	add $16, %rsp
	iretq

/* void run_thread(const u64 registers[16], u64 rip): the same, but IRET would drain the store
 * buffer, and what is in it is meant to stay. */
	.globl run_thread
run_thread:
	SAVE_CALLEE
	mov %rsi, %gs:CPU_RIP
	pushq $0x202		# EFLAGS_FIXED | EFLAGS_IF: the timer ends a thread that never does
	popfq
	mov 0(%rdi), %rax
	mov 8(%rdi), %rcx
	mov 16(%rdi), %rdx
	mov 24(%rdi), %rbx
	mov 32(%rdi), %rsp
	mov 40(%rdi), %rbp
	mov 48(%rdi), %rsi
	mov 64(%rdi), %r8
	mov 72(%rdi), %r9
	mov 80(%rdi), %r10
	mov 88(%rdi), %r11
	mov 96(%rdi), %r12
	mov 104(%rdi), %r13
	mov 112(%rdi), %r14
	mov 120(%rdi), %r15
	mov 56(%rdi), %rdi
	jmp *%gs:CPU_RIP

/* The code behind every thread jumps here, with all registers as the test left them. */
	.globl thread_exit
thread_exit:
	cli			# from here on this CPU's save area is this thread's
	mov %rax, %gs:CPU_EXIT
	mov %rcx, %gs:CPU_EXIT + 8
	mov %rdx, %gs:CPU_EXIT + 16
	mov %rbx, %gs:CPU_EXIT + 24
	mov %rsp, %gs:CPU_EXIT + 32
	mov %rbp, %gs:CPU_EXIT + 40
	mov %rsi, %gs:CPU_EXIT + 48
	mov %rdi, %gs:CPU_EXIT + 56
	mov %r8, %gs:CPU_EXIT + 64
	mov %r9, %gs:CPU_EXIT + 72
	mov %r10, %gs:CPU_EXIT + 80
	mov %r11, %gs:CPU_EXIT + 88
	mov %r12, %gs:CPU_EXIT + 96
	mov %r13, %gs:CPU_EXIT + 104
	mov %r14, %gs:CPU_EXIT + 112
	mov %r15, %gs:CPU_EXIT + 120
	mov %gs:CPU_RSP, %rsp
	cld
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
	.section .note.GNU-stack, "", @progbits
