/*
 * Runs all groups of checks and counts. Boot parameters: only=NAME for one group, mode=triple for
 * the triple fault that ends the machine.
 */
#include "system.h"

#include "../kernel/boot/acpi.h"
#include "../kernel/boot/params.h"
#include "../kernel/core/panic.h"

static const char *current_group;
static u32 passed, failed;

void group(const char *name)
{
	current_group = name;
}

static void count(bool good)
{
	if (good)
		passed++;
	else
		failed++;
}

void check(const char *name, bool good)
{
	count(good);
	printk("%s %s: %s\n", good ? "ok" : "FAIL", current_group, name);
}

void check_equal(const char *name, u64 got, u64 want)
{
	if (got == want) {
		check(name, true);
		return;
	}
	count(false);
	printk("FAIL %s: %s: got %lx, want %lx\n", current_group, name, got, want);
}

void check_trap(const char *name, u64 vector, u64 want, u64 error, const void *rip)
{
	const struct cpu *cpu = this_cpu();
	const struct pt_regs *last = &cpu->last;

	if (vector == want && last->error == error && (!rip || last->rip == (u64)rip)) {
		check(name, true);
		return;
	}
	count(false);
	if (vector == NO_FAULT)
		printk("FAIL %s: %s: no fault", current_group, name);
	else
		printk("FAIL %s: %s: vector %lu error %lx rip %lx cr2 %lx", current_group, name,
		       vector, last->error, last->rip, cpu->last_cr2);
	printk(", want vector %lu error %lx rip %lx\n", want, error, (u64)rip);
}

void check_outcome(const char *name, u64 want, probe_fn fn, u64 a, u64 b, u64 c)
{
	const struct pt_regs *last = &this_cpu()->last;
	u64 vector = probe(fn, a, b, c);

	if (vector == NO_FAULT) {
		check_equal(name, probe_value, want);
		return;
	}
	count(false);
	printk("FAIL %s: %s: vector %lu error %lx rip %lx\n", current_group, name, vector,
	       last->error, last->rip);
}

static const struct {
	const char *name;
	void (*run)(void);
} groups[] = {
	{ "exceptions", check_exceptions }, { "steps", check_single_steps },
	{ "gates", check_gates },
	{ "segments", check_segments },	    { "registers", check_registers },
	{ "features", check_features },	    { "pages", check_pages },
	{ "tlb", check_tlb },		    { "splits", check_splits },
	{ "stack", check_stack },	    { "strings", check_strings },
	{ "atomics", check_atomics },	    { "rings", check_rings },
	{ "syscalls", check_syscalls },	    { "double fault", check_double_fault },
	{ "code", check_code },		    { "xapic", check_xapic },
	{ "interrupts", check_interrupts }, { "timer", check_timer },
	{ "cpus", check_cpus },
};

static noreturn void finish(u8 code)
{
	outb(EXIT_PORT, code);
	for (;;)
		asm volatile("cli; hlt");
}

noreturn void panic(const char *format, ...)
{
	char message[160];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	printk("FAIL %s: panic on CPU %u: %s\n", current_group, this_cpu()->number, message);
	finish(1);
}

noreturn void kernel_main(u64 boot_params_phys);

noreturn void kernel_main(u64 boot_params_phys)
{
	const char *only, *mode;

	console_init();
	group("start");
	cpu_init(0);
	params_init(boot_params_phys);
	acpi_init(boot_info.rsdp_phys);
	only = param_string("only", "");
	mode = param_string("mode", "");
	if (strcmp(mode, "triple") == 0)
		triple_fault();
	for (u32 i = 0; i < ARRAY_SIZE(groups); i++) {
		if (*only && strcmp(only, groups[i].name) != 0)
			continue;
		group(groups[i].name);
		groups[i].run();
	}
	printk("%u passed, %u failed, %u CPUs\n", passed, failed, acpi_info.cpu_count);
	finish(failed != 0);
}
