/* Exceptions and interrupts. */
#ifndef IRQ_H
#define IRQ_H

#include "../core/types.h"

#define VECTOR_INVALID_OPCODE 6
#define VECTOR_PAGE_FAULT 14
#define VECTOR_DEVICE 0x30 /* and up: one for each input of the I/O APIC */
#define DEVICE_VECTORS 64
#define VECTOR_TIMER 0xfc
#define VECTOR_RESCHEDULE 0xfd
#define VECTOR_SPURIOUS 0xff

/*
 * What is on the kernel stack while a CPU is in the kernel: pushed by irq.S and syscall.S, the
 * upper five words by the CPU itself on an interrupt. `number` is the vector, or the system
 * call's number.
 */
struct pt_regs {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 number, error;
	u64 rip, cs, rflags, rsp, ss;
};

static inline bool user_mode(const struct pt_regs *regs)
{
	return regs->cs & 3;
}

void idt_init(void);
void idt_load(void);
void irq_dispatch(struct pt_regs *regs);

/* `handler` runs with interrupts off on the CPU that the chipset chooses. */
void request_irq(u32 gsi, void (*handler)(u32 data), u32 data);

#endif
