/* Says what happened and where, leaves the message for the host, and ends the machine. */
#include "panic.h"

#include "../arch/cpu.h"
#include "../arch/irq.h"
#include "../arch/x86.h"
#include "debug.h"
#include "printk.h"

#define PANIC_EXIT_CODE 255
#define BACKTRACE_MAX 16

static char message[256];

/* Frame pointers: each points at the caller's, with the return address above it. */
static void backtrace(const u64 *frame)
{
	for (u32 i = 0; i < BACKTRACE_MAX && (u64)frame >= KERNEL_BASE; i++) {
		printk("  %lx\n", frame[1]);
		frame = (const u64 *)frame[0];
	}
}

static noreturn void stop(const u64 *frame)
{
	printk("panic: CPU %u: %s\n", this_cpu()->number, message);
	backtrace(frame);
	WRITE_ONCE(smpbox_debug.panic, (u64)message);
	outb(EXIT_PORT, PANIC_EXIT_CODE);
	for (;;)
		asm volatile("cli; hlt");
}

noreturn void panic(const char *format, ...)
{
	va_list args;

	irq_disable();
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	stop(__builtin_frame_address(0));
}

noreturn void panic_regs(const struct pt_regs *regs, u64 fault_address)
{
	printk("rip %lx rsp %lx rflags %lx cs %lx ss %lx\n", regs->rip, regs->rsp, regs->rflags,
	       regs->cs, regs->ss);
	printk("rax %lx rbx %lx rcx %lx rdx %lx rsi %lx rdi %lx rbp %lx\n", regs->rax, regs->rbx,
	       regs->rcx, regs->rdx, regs->rsi, regs->rdi, regs->rbp);
	printk("r8 %lx r9 %lx r10 %lx r11 %lx\n", regs->r8, regs->r9, regs->r10, regs->r11);
	printk("r12 %lx r13 %lx r14 %lx r15 %lx\n", regs->r12, regs->r13, regs->r14, regs->r15);
	backtrace((const u64 *)regs->rbp);
	panic("exception %lu in the kernel, error %lx, address %lx", regs->number, regs->error,
	      fault_address);
}
