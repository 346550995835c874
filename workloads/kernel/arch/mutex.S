/*
 * void mutex_exit(kmutex_t *mutex)
 *
 * Compares, then stores: not atomic, and no locked instruction. A blocker that sets the waiters bit
 * between the two would see its bit wiped out. Two rules make that harmless: it blocks only when
 * the owner runs on no CPU, and an owner that was interrupted between the two begins again
 * (mutex.c, mutex_restart), so it then sees the bit.
 */
#include "cpu.h"

	.text
	.globl mutex_exit
mutex_exit:
	movq %gs:CPU_CURRENT, %rax
	.globl mutex_exit_start
mutex_exit_start:
	cmpq %rax, (%rdi)
	jne mutex_exit_slow
	movq $0, (%rdi)
	.globl mutex_exit_end
mutex_exit_end:
	ret
	.section .note.GNU-stack, "", @progbits
