/*
 * Each CPU's own state: descriptor tables, GS, SYSCALL; and how the others are started, one by
 * one, through the multiprocessor wake-up mailbox (ACPI 6.4, 5.2.12.19 "Multiprocessor Wakeup
 * Structure").
 */
#include "../arch/cpu.h"

#include "../arch/apic.h"
#include "../arch/irq.h"
#include "../core/page.h"
#include "../core/panic.h"
#include "../core/sched.h"
#include "../core/string.h"
#include "acpi.h"

struct cpu cpus[CPUS_MAX];
u32 nr_cpus;

_Static_assert(offsetof(struct cpu, curr) == CPU_CURRENT, "CPU_CURRENT");
_Static_assert(offsetof(struct cpu, kernel_sp) == CPU_KERNEL_SP, "CPU_KERNEL_SP");
_Static_assert(offsetof(struct cpu, user_sp) == CPU_USER_SP, "CPU_USER_SP");
_Static_assert(offsetof(struct cpu, locks_held) == CPU_LOCKS_HELD, "CPU_LOCKS_HELD");
_Static_assert(offsetof(struct cpu, need_resched) == CPU_NEED_RESCHED, "CPU_NEED_RESCHED");

extern u64 ap_stack_pointer;
extern char ap_start[]; /* linked at its physical address */
extern char syscall_entry[];

/* Flat 64-bit segments (SDM Vol. 3A, "Code-Segment Descriptors in 64-bit Mode"), accessed bits
 * preset. */
#define GDT_KERNEL_CODE 0x00209b0000000000
#define GDT_KERNEL_DATA 0x0000930000000000
#define GDT_USER_DATA 0x0000f30000000000
#define GDT_USER_CODE 0x0020fb0000000000
#define TSS_AVAILABLE 0x89

static void gdt_init(struct cpu *cpu)
{
	struct descriptor_table table = { sizeof(cpu->gdt) - 1, (u64)cpu->gdt };
	u64 base = (u64)&cpu->tss;
	u64 limit = sizeof(cpu->tss) - 1;

	cpu->gdt[KERNEL_CS / 8] = GDT_KERNEL_CODE;
	cpu->gdt[KERNEL_DS / 8] = GDT_KERNEL_DATA;
	cpu->gdt[USER_DS / 8] = GDT_USER_DATA;
	cpu->gdt[USER_CS / 8] = GDT_USER_CODE;
	cpu->gdt[TSS_SELECTOR / 8] = limit | (base & 0xffffff) << 16 | (u64)TSS_AVAILABLE << 40 |
				     (base >> 24 & 0xff) << 56;
	cpu->gdt[TSS_SELECTOR / 8 + 1] = base >> 32;
	cpu->tss.io_map_base = sizeof(cpu->tss);

	lgdt(&table);
	load_segments();
	ltr(TSS_SELECTOR);
}

void cpu_init(u32 number)
{
	struct cpu *cpu = &cpus[number];

	cpu->self = cpu;
	cpu->number = number;
	gdt_init(cpu);
	idt_load();

	/* Loading a null GS cleared its base: set it after the segments. */
	wrmsr(MSR_GS_BASE, (u64)cpu);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	wrmsr(MSR_STAR, (u64)USER_BASE << 48 | (u64)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_SFMASK, EFLAGS_IF | EFLAGS_DF | EFLAGS_TF | EFLAGS_AC | EFLAGS_NT);

	apic_init();
	cpu->apic_id = apic_id();
}

/* A started CPU: everything it needs is ready, so it says so and looks for work. */
noreturn void ap_main(void)
{
	struct cpu *cpu = &cpus[nr_cpus];

	cpu_init(nr_cpus);
	cpu->curr = cpu->rq.idle;
	WRITE_ONCE(cpu->online, 1);
	cpu_idle();
}

#define MAILBOX_WAKEUP 1

struct mailbox {
	u16 command;
	u16 reserved;
	u32 apic_id;
	u64 wakeup_vector;
};

static void wait_for(const volatile u16 *place, u16 value, const char *what, u32 number)
{
	for (u32 i = 0; i < AP_START_SPINS; i++) {
		if (*place == value)
			return;
		cpu_relax();
	}
	panic("CPU %u did not %s", number, what);
}

static void start_cpu(struct mailbox *mailbox, u32 number)
{
	struct cpu *cpu = &cpus[number];
	u8 *stack = page_alloc(KSTACK_PAGES);

	cpu->rq.idle = idle_task_create(number, stack);
	ap_stack_pointer = (u64)stack + KSTACK_PAGES * PAGE_SIZE;

	/* The command is stored last: firmware acts as soon as it sees it, and stores stay in
	 * order. */
	WRITE_ONCE(mailbox->apic_id, acpi_info.apic_id[number]);
	WRITE_ONCE(mailbox->wakeup_vector, (u64)ap_start);
	smp_wmb();
	WRITE_ONCE(mailbox->command, MAILBOX_WAKEUP);

	wait_for(&mailbox->command, 0, "take the wake-up command", number);
	wait_for(&cpu->online, 1, "come up", number);
}

void smp_boot(void)
{
	/* CPU numbers are the MADT's order; the boot CPU is the first entry. */
	if (acpi_info.apic_id[0] != cpus[0].apic_id)
		panic("the MADT lists APIC %u first, but APIC %u booted", acpi_info.apic_id[0],
		      cpus[0].apic_id);
	nr_cpus = 1;
	cpus[0].online = 1;
	if (acpi_info.cpu_count == 1)
		return;
	if (!acpi_info.mailbox_phys || acpi_info.mailbox_phys >= KERNEL_WINDOW)
		panic("ACPI: no multiprocessor wake-up mailbox within reach");
	for (u32 number = 1; number < acpi_info.cpu_count; number++) {
		start_cpu(phys_to_virt(acpi_info.mailbox_phys), number);
		WRITE_ONCE(nr_cpus, number + 1);
	}
}
