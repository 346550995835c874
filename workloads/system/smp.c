/* Starts the other processors through the mailbox of the MADT; they then wait in HLT for work. */
#include "apic.h"

#include "../kernel/arch/barrier.h"
#include "../kernel/boot/acpi.h"
#include "../kernel/core/panic.h"

#define WAKE_VECTOR 0xf0
#define PATIENCE 100000000 /* cycles */

u32 cpu_count = 1;
extern u64 ap_stack_pointer;
extern char ap_start[];
noreturn void ap_main(void);

struct mailbox {
	u16 command;
	u16 reserved;
	u32 apic_id;
	u64 wakeup_vector;
};

static bool wake(struct pt_regs *regs)
{
	(void)regs;
	eoi();
	return true;
}

noreturn void ap_main(void)
{
	struct cpu *cpu;

	cpu_init(cpu_count);
	cpu = this_cpu();
	apic_on();
	cpu->apic_id = rdmsr(X2APIC_ID);
	WRITE_ONCE(cpu->online, 1);
	for (;;) {
		void (*work)(u64);

		irq_disable();
		work = READ_ONCE(cpu->work);
		if (!work) {
			safe_halt();
			continue;
		}
		work(cpu->argument);
		smp_mb();
		WRITE_ONCE(cpu->work, NULL);
	}
}

static void wait_while(const volatile u32 *place, u32 value, const char *what, u32 number)
{
	u64 start = rdtsc();

	while (*place == value) {
		if (rdtsc() - start > PATIENCE)
			panic("CPU %u did not %s", number, what);
		cpu_relax();
	}
}

static void start_cpu(struct mailbox *mailbox, u32 number)
{
	struct cpu *cpu = &cpus[number];

	ap_stack_pointer = (u64)cpu->stack + STACK_BYTES;
	WRITE_ONCE(mailbox->apic_id, acpi_info.apic_id[number]);
	WRITE_ONCE(mailbox->wakeup_vector, (u64)ap_start);
	WRITE_ONCE(mailbox->command, 1);
	wait_while(&cpu->online, 0, "start", number);
	cpu_count = number + 1;
}

void start_cpus(void)
{
	apic_on();
	this_cpu()->apic_id = rdmsr(X2APIC_ID);
	hooks[WAKE_VECTOR] = wake;
	for (u32 number = cpu_count; number < acpi_info.cpu_count; number++)
		start_cpu(phys_to_virt(acpi_info.mailbox_phys), number);
}

void start_on(u32 number, void (*fn)(u64), u64 argument)
{
	struct cpu *cpu = &cpus[number];

	cpu->argument = argument;
	WRITE_ONCE(cpu->work, fn);
	smp_mb();
	wrmsr(X2APIC_ICR, (u64)cpu->apic_id << 32 | WAKE_VECTOR);
}

void wait_for(u32 number)
{
	u64 start = rdtsc();

	while (READ_ONCE(cpus[number].work)) {
		if (rdtsc() - start > PATIENCE)
			panic("CPU %u did not end its work", number);
		cpu_relax();
	}
}

void run_on(u32 number, void (*fn)(u64), u64 argument)
{
	start_on(number, fn, argument);
	wait_for(number);
}
