/*
 * Where CPUs enter the kernel. The boot CPU comes by the Linux 64-bit boot protocol: long mode,
 * identity map, RSI = boot_params. The others come through the MADT's mailbox in the same state,
 * with nothing in their registers. Neither has a stack that it could keep. Both take the kernel's
 * page tables, a stack, and jump up to the kernel's own addresses.
 */
#include "../memlayout.h"

#define PHYS(symbol) (symbol - KERNEL_BASE)

	.section .boot.text, "ax"
	.globl _start
_start:
	cli
	cld
	mov %rsi, %rdi
	movl $PHYS(boot_pml4), %eax
	mov %rax, %cr3
	movabs $boot_stack_top, %rsp
	movabs $kernel_main, %rax
	jmp enter

	.globl ap_start
ap_start:
	cli
	cld
	movl $PHYS(boot_pml4), %eax
	mov %rax, %cr3
	movabs $ap_stack_pointer, %rax
	mov (%rax), %rsp
	movabs $ap_main, %rax
enter:
	xor %ebp, %ebp		# a backtrace ends here
	push %rbp		# and so does a return
	jmp *%rax

	.section .note.smpbox, "a", @note
	.balign 4
	.long 2f - 1f
	.long 4f - 3f
	.long 1
1:	.asciz "smpbox"
2:	.balign 4
3:	.asciz "kernel"
4:	.balign 4

/*
 * The kernel's page tables: the first GiB of physical memory by 2 MiB pages, at 0 (until every
 * CPU has left the identity map) and at KERNEL_BASE; the devices at DEVICE_BASE. Accessed and dirty
 * bits are preset, so no walk ever stores.
 */
#define TABLE 0x63		/* P, R/W, A, D */
#define LARGE_PAGE 0xe3		/* P, R/W, A, D, PS */
#define UNCACHED_PAGE 0xfb	/* and PWT, PCD */

	.data
	.balign PAGE_SIZE
	.globl boot_pml4
boot_pml4:
	.quad PHYS(low_pdpt) + TABLE
	.fill 510, 8, 0
	.quad PHYS(high_pdpt) + TABLE
low_pdpt:
	.quad PHYS(kernel_pd) + TABLE
	.fill 511, 8, 0
high_pdpt:
	.fill 510, 8, 0
	.quad PHYS(kernel_pd) + TABLE
	.quad PHYS(device_pd) + TABLE
device_pd:
	.set page, DEVICE_PHYS
	.rept 512
	.quad page + UNCACHED_PAGE
	.set page, page + 0x200000
	.endr
kernel_pd:
	.set page, 0
	.rept 512
	.quad page + LARGE_PAGE
	.set page, page + 0x200000
	.endr

	.globl ap_stack_pointer
ap_stack_pointer:
	.quad 0

	.bss
	.balign PAGE_SIZE
	.globl boot_stack
boot_stack:
	.skip 4 * PAGE_SIZE
	.globl boot_stack_top
boot_stack_top:
	.section .note.GNU-stack, "", @progbits
