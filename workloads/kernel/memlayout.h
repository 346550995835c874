/*
 * Addresses: the only home of them. Used by C, by assembly and by the linker script's symbols.
 *
 *     0000000000000000 - 00007fffffffffff   user: a process's own, 4 KiB pages
 *         00007f0000000000 growing up          mmap and AIO rings
 *         00007fffffffe000 growing down        stack of the first thread
 *     ffffffff80000000 - ffffffffbfffffff   kernel: physical memory 0 to 1 GiB, 2 MiB pages
 *     ffffffffc0000000 - ffffffffffffffff   devices: physical c0000000 to ffffffff, uncached
 *
 * The kernel is loaded at physical 2 MiB (p_paddr) and runs at that plus KERNEL_BASE. Only _start
 * and ap_start run at their physical addresses, on the identity map that the boot protocol gives
 * them.
 */
#ifndef MEMLAYOUT_H
#define MEMLAYOUT_H

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096
#define CACHE_LINE 64

#define KERNEL_BASE 0xffffffff80000000
#define KERNEL_WINDOW 0x40000000 /* physical memory that the kernel can reach */
#define KERNEL_PHYS 0x200000
#define LOW_MEMORY_END 0x100000 /* the first MiB belongs to firmware */

#define DEVICE_PHYS 0xc0000000
#define DEVICE_BASE 0xffffffffc0000000

#define USER_END 0x00007ffffffff000
#define USER_STACK_TOP 0x00007fffffffe000
#define USER_MMAP_BASE 0x00007f0000000000

/* I/O ports. */
#define UART_PORT 0x3f8
#define EXIT_PORT 0xf4 /* a byte written here ends the machine with that exit code */

/* Segment selectors: SYSCALL loads CS and SS from KERNEL_CS and the next one, SYSRET from
 * USER_BASE + 16 and + 8 (SDM Vol. 2B, "SYSRET"). */
#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_BASE 0x18
#define USER_DS 0x23
#define USER_CS 0x2b
#define TSS_SELECTOR 0x30

#endif
