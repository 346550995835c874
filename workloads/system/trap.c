/* Descriptor tables, and what becomes of a trap: a hook's, a probe's, or the end of the test. */
#include "system.h"

#include "../kernel/core/panic.h"

#define GDT_ENTRIES (TSS_FIRST / 8 + 2 * CPUS_MAX)

/* SDM Vol. 3A, "Segment Descriptors"; accessed bits preset. */
#define KERNEL_CODE 0x00209b0000000000
#define KERNEL_DATA 0x0000930000000000
#define USER_DATA 0x0000f30000000000
#define USER_CODE_SEGMENT 0x0020fb0000000000
#define CONFORMING 0x00209f0000000000
#define PRESENT 0x0000800000000000
#define DEFAULT_32 0x0040000000000000

#define ACCESSED (1ul << 40)
#define TYPE_LDT 0x82ul
#define TYPE_TSS 0x89ul

u64 gdt[GDT_ENTRIES] __attribute__((aligned(64)));
u64 ldt[LDT_ENTRIES] __attribute__((aligned(64)));
struct gate idt[256] __attribute__((aligned(64)));
trap_hook hooks[SYSCALL_VECTOR + 1];
struct cpu cpus[CPUS_MAX];
u64 probe_value;

struct outcome {
	u64 value, vector;
};

extern char trap_stubs[], syscall_entry[];
extern u64 syscall_stack;
struct outcome call_probe(probe_fn fn, u64 a, u64 b, u64 c, u64 *resume_rsp);
struct outcome enter_user(struct pt_regs *regs, u64 *resume_rsp);
struct outcome enter_user_by_sysret(struct pt_regs *regs, u64 *resume_rsp);
noreturn void resume_at(u64 rsp, u64 vector);
void trap_dispatch(struct pt_regs *regs);

struct gate make_gate(u32 vector, u8 type, u8 ist)
{
	u64 entry = (u64)trap_stubs + vector * 16;

	return (struct gate){
		.offset_low = entry,
		.selector = KERNEL_CS,
		.ist = ist,
		.type = type,
		.offset_middle = entry >> 16,
		.offset_high = entry >> 32,
	};
}

static void set_system(u32 selector, u64 type, const void *start, u64 limit)
{
	u64 base = (u64)start;

	gdt[selector / 8] = limit | (base & 0xffffff) << 16 | type << 40 |
			    (base >> 24 & 0xff) << 56;
	gdt[selector / 8 + 1] = base >> 32;
}

static void tables_init(void)
{
	gdt[KERNEL_CS / 8] = KERNEL_CODE;
	gdt[KERNEL_DS / 8] = KERNEL_DATA;
	gdt[USER_DS / 8] = USER_DATA;
	gdt[USER_CS / 8] = USER_CODE_SEGMENT;
	gdt[ABSENT_DATA / 8] = KERNEL_DATA & ~PRESENT;
	gdt[BASED_DATA / 8] = USER_DATA | (u64)DATA_BASE << 16;
	gdt[READ_ONLY_DATA / 8] = KERNEL_DATA & ~(2ul << 40);
	gdt[CONFORMING_CODE / 8] = CONFORMING;
	gdt[ABSENT_CODE / 8] = KERNEL_CODE & ~PRESENT;
	gdt[NEW_DATA / 8] = KERNEL_DATA & ~ACCESSED;
	gdt[NEW_CODE / 8] = KERNEL_CODE & ~ACCESSED;
	gdt[WIDE_CODE / 8] = (KERNEL_CODE | DEFAULT_32) & ~PRESENT;
	ldt[LOCAL_DATA / 8] = gdt[BASED_DATA / 8];
	ldt[LOCAL_CODE / 8] = KERNEL_CODE;
	ldt[LOCAL_NEW / 8] = USER_DATA & ~ACCESSED;
	set_system(LOCAL_TABLE, TYPE_LDT, ldt, sizeof(ldt) - 1);
	set_system(SMALL_TSS, TYPE_TSS, &cpus[0].tss, 35);
	set_system(ABSENT_TSS, TYPE_TSS, &cpus[0].tss, sizeof(struct tss) - 1);
	gdt[ABSENT_TSS / 8] &= ~PRESENT;
	for (u32 vector = 0; vector < 256; vector++)
		idt[vector] = make_gate(vector, GATE_INTERRUPT, 0);
	idt[DF].ist = 1;
}

void cpu_init(u32 number)
{
	struct cpu *cpu = &cpus[number];
	struct descriptor_table table = { sizeof(gdt) - 1, (u64)gdt };

	if (number == 0)
		tables_init();
	cpu->number = number;
	cpu->tss.rsp[0] = (u64)cpu->trap_stack + STACK_BYTES;
	cpu->tss.ist[0] = (u64)cpu->ist_stack + STACK_BYTES;
	cpu->tss.io_map_base = sizeof(cpu->tss);
	set_system(TSS_FIRST + 16 * number, TYPE_TSS, &cpu->tss, sizeof(cpu->tss) - 1);
	lgdt(&table);
	load_segments();
	ltr(TSS_FIRST + 16 * number);
	table = (struct descriptor_table){ sizeof(idt) - 1, (u64)idt };
	lidt(&table);
	if (number == 0)
		syscall_stack = cpu->tss.rsp[0];
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	wrmsr(MSR_STAR, (u64)USER_BASE << 48 | (u64)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
}

void trap_dispatch(struct pt_regs *regs)
{
	struct cpu *cpu = this_cpu();
	u64 cr2 = read_cr2();
	trap_hook hook = hooks[regs->number];
	u64 rsp;

	cpu->traps++;
	if (hook && hook(regs))
		return;
	cpu->last = *regs;
	cpu->last_cr2 = cr2;
	cpu->frame = regs;
	rsp = user_mode(regs) || regs->number == SYSCALL_VECTOR ? cpu->user_rsp : cpu->probe_rsp;
	if (!rsp)
		panic("unexpected trap %lu error %lx rip %lx rsp %lx cr2 %lx", regs->number,
		      regs->error, regs->rip, regs->rsp, cr2);
	cpu->probe_rsp = 0;
	cpu->user_rsp = 0;
	resume_at(rsp, regs->number);
}

u64 probe(probe_fn fn, u64 a, u64 b, u64 c)
{
	struct cpu *cpu = this_cpu();
	struct outcome outcome = call_probe(fn, a, b, c, &cpu->probe_rsp);

	cpu->probe_rsp = 0;
	probe_value = outcome.value;
	return outcome.vector;
}

u64 run_user(struct pt_regs *regs)
{
	return enter_user(regs, &this_cpu()->user_rsp).vector;
}

u64 run_user_by_sysret(struct pt_regs *regs)
{
	return enter_user_by_sysret(regs, &this_cpu()->user_rsp).vector;
}
