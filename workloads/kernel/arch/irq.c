/* The interrupt descriptor table and what becomes of each vector. */
#include "irq.h"

#include "../core/ithread.h"
#include "../core/mutex.h"
#include "../core/panic.h"
#include "../core/printk.h"
#include "../core/sched.h"
#include "../core/softirq.h"
#include "../core/task.h"
#include "apic.h"
#include "ioapic.h"
#include "usercopy.h"
#include "x86.h"

/* SDM Vol. 3A, "64-Bit Mode IDT". */
struct gate {
	u16 offset_low;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};

#define INTERRUPT_GATE 0x8e /* present, DPL 0, clears IF */
#define ENTRY_BYTES 16	    /* irq.S aligns each entry */
#define EXCEPTIONS 32
#define INSTRUCTION_MAX 15  /* bytes */

static struct gate idt[256];

static struct {
	void (*handler)(u32 data);
	u32 data;
} device_irqs[DEVICE_VECTORS];

extern char exception_entries[], device_entries[], timer_entry[], reschedule_entry[],
	spurious_entry[];

static void set_gate(u32 vector, u64 entry)
{
	idt[vector] = (struct gate){
		.offset_low = entry,
		.selector = KERNEL_CS,
		.type = INTERRUPT_GATE,
		.offset_middle = entry >> 16,
		.offset_high = entry >> 32,
	};
}

void idt_init(void)
{
	for (u32 vector = 0; vector < EXCEPTIONS; vector++)
		set_gate(vector, (u64)exception_entries + vector * ENTRY_BYTES);
	for (u32 gsi = 0; gsi < DEVICE_VECTORS; gsi++)
		set_gate(VECTOR_DEVICE + gsi, (u64)device_entries + gsi * ENTRY_BYTES);
	set_gate(VECTOR_TIMER, (u64)timer_entry);
	set_gate(VECTOR_RESCHEDULE, (u64)reschedule_entry);
	set_gate(VECTOR_SPURIOUS, (u64)spurious_entry);
}

void idt_load(void)
{
	struct descriptor_table table = { sizeof(idt) - 1, (u64)idt };

	lidt(&table);
}

/* The bytes at RIP: an instruction that this CPU does not have, usually SSE. The host advises. */
static void print_code(const struct pt_regs *regs)
{
	char text[3 * INSTRUCTION_MAX + 1];
	u32 length = 0;
	u8 byte;

	for (u32 i = 0; i < INSTRUCTION_MAX; i++) {
		if (copy_from_user(&byte, (const void __user *)(regs->rip + i), 1))
			break;
		text[length++] = ' ';
		text[length++] = "0123456789abcdef"[byte >> 4];
		text[length++] = "0123456789abcdef"[byte & 15];
	}
	text[length] = 0;
	printk("%s[%d]: code at %lx:%s\n", current->comm, current->pid, regs->rip, text);
}

static void exception(struct pt_regs *regs)
{
	u64 fault_address = regs->number == VECTOR_PAGE_FAULT ? read_cr2() : 0;

	if (user_mode(regs)) {
		printk("%s[%d]: exception %lu error %lx rip %lx rsp %lx address %lx\n",
		       current->comm, current->pid, regs->number, regs->error, regs->rip, regs->rsp,
		       fault_address);
		if (regs->number == VECTOR_INVALID_OPCODE)
			print_code(regs);
		exit_group(EXIT_EXCEPTION + regs->number);
	}
	/* A user address that the kernel copies to or from may be bad: that copy returns an
	 * error. */
	if (regs->number == VECTOR_PAGE_FAULT && usercopy_fixup(regs))
		return;
	panic_regs(regs, fault_address);
}

void request_irq(u32 gsi, void (*handler)(u32 data), u32 data)
{
	BUG_ON(gsi >= DEVICE_VECTORS || device_irqs[gsi].handler);
	device_irqs[gsi].handler = handler;
	device_irqs[gsi].data = data;
	ioapic_route(gsi, VECTOR_DEVICE + gsi);
}

static void interrupt(u32 vector)
{
	u32 gsi = vector - VECTOR_DEVICE;

	if (gsi < DEVICE_VECTORS)
		device_irqs[gsi].handler(device_irqs[gsi].data);
	else if (vector == VECTOR_TIMER)
		timer_interrupt();
	/* Else a reschedule: its whole work is to bring this CPU here, need_resched says what to
	 * do. */
	apic_eoi();
	do_softirq();
}

/* Runs with interrupts off. */
void irq_dispatch(struct pt_regs *regs)
{
	if (regs->number < EXCEPTIONS) {
		exception(regs);
	} else {
		mutex_restart(regs);
		interrupt(regs->number);
	}
	if (!user_mode(regs))
		ithread_preempt();
	else if (this_cpu()->need_resched)
		exit_to_user();
}
