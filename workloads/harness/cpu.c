/*
 * CPUs: descriptor tables, traps, the start of the others through the mailbox of the MADT (ACPI
 * 6.4, 5.2.12.19 "Multiprocessor Wakeup Structure"). All traps have a stack of their own (IST):
 * the stack pointer of a test's thread may be anything.
 */
#include "harness.h"

#include "../kernel/boot/acpi.h"
#include "../kernel/core/panic.h"

#define WAKE_VECTOR 0xf0
#define TRAP_IST 1
#define PATIENCE 100000000 /* cycles for a CPU to start */

/* SDM Vol. 3A, "Segment Descriptors"; accessed bits preset. */
#define KERNEL_CODE 0x00209b0000000000
#define KERNEL_DATA 0x0000930000000000
#define TYPE_TSS 0x89ul
#define GATE_INTERRUPT 0x8e

/* The local APIC in x2APIC mode (SDM Vol. 3A, "x2APIC Register Address Space"). */
#define X2APIC_ID 0x802
#define X2APIC_TPR 0x808
#define X2APIC_EOI 0x80b
#define X2APIC_SIVR 0x80f
#define X2APIC_ICR 0x830
#define X2APIC_LVT_TIMER 0x832
#define X2APIC_INITIAL_COUNT 0x838
#define X2APIC_DIVIDE 0x83e
#define APIC_BASE_ON (3 << 10) /* enabled, x2APIC */
#define SIVR_ENABLE 0x100
#define ICR_TO_OTHERS (3 << 18)
#define DIVIDE_BY_1 0xb

struct gate {
	u16 offset_low;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};

struct mailbox {
	u16 command;
	u16 reserved;
	u32 apic_id;
	u64 wakeup_vector;
};

struct cpu cpus[CPUS_MAX];
static u32 starting;

static u64 gdt[TSS_FIRST / 8 + 2 * CPUS_MAX] __attribute__((aligned(64)));
static struct gate idt[256] __attribute__((aligned(64)));

extern char trap_stubs[], ap_start[];
extern u64 ap_stack_pointer;
noreturn void ap_main(void);
void trap_dispatch(struct pt_regs *regs);

static void tables_init(void)
{
	gdt[KERNEL_CS / 8] = KERNEL_CODE;
	gdt[KERNEL_DS / 8] = KERNEL_DATA;
	for (u32 vector = 0; vector < 256; vector++) {
		u64 entry = (u64)trap_stubs + vector * 16;

		idt[vector] = (struct gate){
			.offset_low = entry,
			.selector = KERNEL_CS,
			.ist = TRAP_IST,
			.type = GATE_INTERRUPT,
			.offset_middle = entry >> 16,
			.offset_high = entry >> 32,
		};
	}
}

void cpu_init(u32 number)
{
	struct descriptor_table table = { sizeof(gdt) - 1, (u64)gdt };
	struct cpu *cpu = &cpus[number];
	u64 base = (u64)&cpu->tss;
	u64 *entry = &gdt[TSS_FIRST / 8 + 2 * number];

	if (number == 0)
		tables_init();
	cpu->number = number;
	cpu->tss.ist[TRAP_IST - 1] = (u64)cpu->trap_stack + STACK_BYTES;
	cpu->tss.io_map_base = sizeof(cpu->tss);
	entry[0] = (sizeof(cpu->tss) - 1) | (base & 0xffffff) << 16 | TYPE_TSS << 40 |
		   (base >> 24 & 0xff) << 56;
	entry[1] = base >> 32;
	lgdt(&table);
	load_segments();
	ltr(TSS_FIRST + 16 * number);
	table = (struct descriptor_table){ sizeof(idt) - 1, (u64)idt };
	lidt(&table);
	/* Loading a null GS cleared its base: set it after the segments. */
	wrmsr(MSR_GS_BASE, (u64)cpu);
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ON);
	wrmsr(X2APIC_TPR, 0);
	wrmsr(X2APIC_SIVR, SIVR_ENABLE | VECTOR_SPURIOUS);
	wrmsr(X2APIC_DIVIDE, DIVIDE_BY_1);
	wrmsr(X2APIC_LVT_TIMER, TIMER_VECTOR);
	cpu->apic_id = rdmsr(X2APIC_ID);
}

void set_timer(u32 cycles)
{
	wrmsr(X2APIC_INITIAL_COUNT, cycles);
}

void trap_dispatch(struct pt_regs *regs)
{
	struct cpu *cpu = this_cpu();

	if (regs->number == VECTOR_SPURIOUS)
		return;
	if (regs->number == WAKE_VECTOR || regs->number == TIMER_VECTOR) {
		wrmsr(X2APIC_EOI, 0);
		if (regs->number == TIMER_VECTOR)
			preempt(cpu, regs);
		return;
	}
	if (regs->rip >= KERNEL_BASE)
		panic("trap %lu error %lx rip %lx cr2 %lx on CPU %u", regs->number, regs->error,
		      regs->rip, read_cr2(), cpu->number);
	result.rip = regs->rip;
	result.vector = regs->number;
	result.fault_address = read_cr2();
	result.thread = cpu->current;
	finish(STATUS_FAULT);
}

noreturn void ap_main(void)
{
	u32 number = READ_ONCE(starting);
	struct cpu *cpu = &cpus[number];

	cpu_init(number);
	WRITE_ONCE(cpu->online, 1);
	run_batches(cpu);
}

void start_cpus(void)
{
	struct mailbox *mailbox = phys_to_virt(acpi_info.mailbox_phys);
	u64 wanted = places_mask();

	for (u32 number = 1; number < acpi_info.cpu_count; number++) {
		u64 begin = rdtsc();

		if (!(wanted >> number & 1))
			continue;
		starting = number;
		/* The command is stored last: firmware acts as soon as it sees it. */
		ap_stack_pointer = (u64)cpus[number].stack + STACK_BYTES;
		WRITE_ONCE(mailbox->apic_id, acpi_info.apic_id[number]);
		WRITE_ONCE(mailbox->wakeup_vector, (u64)ap_start);
		WRITE_ONCE(mailbox->command, 1);
		while (!READ_ONCE(cpus[number].online)) {
			if (rdtsc() - begin > PATIENCE)
				panic("CPU %u did not start", number);
			cpu_relax();
		}
	}
}

void wake_others(void)
{
	/* The ICR's MSR does not wait for the store buffer (SDM Vol. 3A, "MSR Access in x2APIC
	 * Mode"): what the others are to see must be visible before. */
	asm volatile("mfence" : : : "memory");
	wrmsr(X2APIC_ICR, ICR_TO_OTHERS | WAKE_VECTOR);
}
