/*
 * Traps, probes, and the ways to user mode and back. A trap from user mode, or in a probe, does
 * not return to where it was but to the caller of run_user() or probe(): resume_at.
 */
#include "../kernel/arch/frame.h"

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

/* SYSCALL on CPU 0: makes the frame that an interrupt would leave, but with the flags, CS and SS
 * of now. */
	.globl syscall_entry
syscall_entry:
	mov %rsp, syscall_rsp(%rip)
	mov syscall_stack(%rip), %rsp
	push $0
	push syscall_rsp(%rip)
	pushfq
	push $0
	push %rcx
	push $0
	push $256
	SAVE_REGS
	mov %cs, %eax
	mov %rax, REGS_CS(%rsp)
	mov %ss, %eax
	mov %rax, REGS_CS + 24(%rsp)
	mov %rsp, %rdi
	call trap_dispatch

	.macro SAVE_CALLEE
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	pushfq
	.endm

/* struct outcome call_probe(probe_fn, u64 a, u64 b, u64 c, u64 *resume_rsp): value and vector. */
	.globl call_probe
call_probe:
	SAVE_CALLEE
	mov %rsp, (%r8)
	mov %rdi, %rax
	mov %rsi, %rdi
	mov %rdx, %rsi
	mov %rcx, %rdx
	call *%rax
	mov $-1, %rdx
resume:
	popfq
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

/* void resume_at(u64 rsp, u64 vector) */
	.globl resume_at
resume_at:
	mov %rdi, %rsp
	mov %rsi, %rdx
	xor %eax, %eax
	jmp resume

/* struct outcome enter_user(struct pt_regs *, u64 *resume_rsp), with interrupts off. */
	.globl enter_user
enter_user:
	SAVE_CALLEE
	mov %rsp, (%rsi)
	mov %rdi, %rsp
	RESTORE_REGS
	add $16, %rsp
	iretq

/* The same by SYSRET: RIP from RCX, flags from R11. */
	.globl enter_user_by_sysret
enter_user_by_sysret:
	SAVE_CALLEE
	mov %rsp, (%rsi)
	mov %rdi, %rsp
	RESTORE_REGS
	mov 40(%rsp), %rsp
	sysretq

	.data
	.globl syscall_stack
syscall_stack:
	.quad 0
syscall_rsp:
	.quad 0
	.section .note.GNU-stack, "", @progbits
