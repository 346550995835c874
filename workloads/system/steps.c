/*
 * Single steps and the resume flag: behind what TF traps, and what is saved of RF (SDM Vol. 3B
 * 17.3.1, "Debug Exception (#DB) - Interrupt Vector 1").
 */
#include "apic.h"

#define VECTOR 0x41
#define TIMER_VECTOR 0x60
#define RF (1ul << 16)
#define STEPS_MAX 8
#define REPEATED 4096

#define SET_TF "pushfq\n orq $0x100, (%rsp)\n popfq"
/* IRETQ to the next line with `flags` as well. */
#define RESUME(flags)                                                                              \
	"mov %rsp, %rax\n push $0x10\n push %rax\n pushfq\n orq $" #flags ", (%rsp)\n"             \
	"push $0x08\n lea 1f(%rip), %rax\n push %rax\n iretq\n 1:"

PROBE(interrupt_at_once, RESUME(0x10000), "int $0x41", "");
PROBE(interrupt_behind_one, RESUME(0x10000) " nop", "int $0x41", "");
PROBE(fault_behind_one, RESUME(0x10000) " nop", "ud2", "");
PROBE(interrupt_behind_load, "mov (%rdi), %rax", "int $0x41", "");
PROBE(let_in, "", RESUME(0x10200), "cli\n xor %eax, %eax");
PROBE(store_repeated, "mov %rsi, %rcx\n xor %eax, %eax\n sti\n nop", "rep stosb",
      "cli\n mov %rcx, %rax");
PROBE(step_repeated, "mov $3, %ecx\n xor %eax, %eax\n" SET_TF, "rep stosb", "nop");
PROBE(step_move_ss, "mov %ss, %ecx\n" SET_TF "\n mov %ecx, %ss", "nop", "nop");
PROBE(step_resumed, RESUME(0x10100), "nop", "nop");
PROBE(step_halt, SET_TF, "hlt", "nop");

static struct step {
	u64 rip, rf, cs;
} steps[STEPS_MAX];
static u32 step_count, steps_wanted;

/* Goes on until as many as wanted have come. */
static bool note_step(struct pt_regs *regs)
{
	steps[step_count] = (struct step){ regs->rip, regs->rflags & RF, regs->cs };
	if (++step_count == steps_wanted)
		regs->rflags &= ~(u64)EFLAGS_TF;
	return true;
}

static void check_step(const char *name, u32 number, const void *rip, u64 rf)
{
	check_equal(name, steps[number].rip, (u64)rip);
	check_equal("its RF", steps[number].rf, rf);
}

static void run_steps(const char *name, u32 wanted, probe_fn fn, u64 argument)
{
	step_count = 0;
	steps_wanted = wanted;
	check(name, probe(fn, argument, 0, 0) == NO_FAULT);
	check_equal("its steps", step_count, wanted);
}

static void check_steps(void)
{
	hooks[DB] = note_step;
	run_steps("REP STOSB in steps", 4, step_repeated, (u64)frames[0]);
	check_step("behind the first iteration", 0, step_repeated_at, RF);
	check_step("behind the second", 1, step_repeated_at, RF);
	check_step("behind the last", 2, step_repeated_next, 0);
	run_steps("MOV SS in steps", 1, step_move_ss, 0);
	check_step("no trap before the next instruction", 0, step_move_ss_next, 0);
	run_steps("a step that RF begins", 1, step_resumed, 0);
	check_step("behind one instruction", 0, step_resumed_next, 0);
	run_steps("HLT in steps", 1, step_halt, 0);
	check_step("the trap ends it", 0, step_halt_next, 0);
	hooks[DB] = NULL;
}

static u64 saved_flags, saved_rip, saved_rcx;

static bool note_saved(struct pt_regs *regs)
{
	saved_flags = regs->rflags;
	saved_rip = regs->rip;
	saved_rcx = regs->rcx;
	eoi();
	return true;
}

/* The page is there from now on; the flags that IRETQ takes have RF set. */
static bool map_page(struct pt_regs *regs)
{
	saved_flags = regs->rflags;
	map(AREA, frames[0], 0);
	return true;
}

static void check_resume(const char *name, const char *what, probe_fn fn, u64 argument, u64 vector,
			 u64 rf)
{
	check_equal(name, probe(fn, argument, 0, 0), vector);
	check_equal(what, this_cpu()->last.rflags & RF, rf);
}

static void check_resume_flag(void)
{
	check_resume("INT behind IRETQ with RF", "saves it clear", interrupt_at_once, 0, VECTOR, 0);
	check_resume("an instruction between", "has cleared it", interrupt_behind_one, 0, VECTOR,
		     0);
	check_resume("a fault then", "saves it set", fault_behind_one, 0, UD, RF);
	hooks[PF] = map_page;
	check_resume("a load that faulted", "has cleared it", interrupt_behind_load, AREA, VECTOR,
		     0);
	check_equal("the fault saved it set", saved_flags & RF, RF);
	hooks[PF] = NULL;
	unmap(AREA);

	hooks[VECTOR] = note_saved;
	send_self(VECTOR);
	check_runs("an interrupt where IRETQ returns to with RF", 0, let_in);
	check_equal("saves it set", saved_flags & RF, RF);
	hooks[VECTOR] = NULL;
}

/* The timer fires while the instruction is under way. */
static void check_repeated(void)
{
	hooks[TIMER_VECTOR] = note_saved;
	saved_rip = 0;
	wrmsr(X2APIC_DIVIDE, DIVIDE_BY_1);
	wrmsr(X2APIC_LVT_TIMER, TIMER_VECTOR);
	wrmsr(X2APIC_INITIAL_COUNT, 3000);
	check_runs("REP STOSB with an interrupt", 0, store_repeated, (u64)frames[0], REPEATED);
	check("between two iterations",
	      saved_rip == (u64)store_repeated_at && saved_rcx > 0 && saved_rcx < REPEATED);
	check_equal("saves RF set", saved_flags & RF, RF);
	hooks[TIMER_VECTOR] = NULL;
}

extern u8 step_syscall[], step_syscall_end[], syscall_entry[];
asm(".text\n"
    ".globl step_syscall, step_syscall_end\n"
    "step_syscall:\n"
    "	syscall\n"
    "step_syscall_end:\n");

/* A step of ring 3 into the kernel. */
static void step_in(u64 mask)
{
	struct pt_regs regs = {
		.rip = USER_CODE, .cs = USER_CS, .rflags = EFLAGS_FIXED | EFLAGS_TF,
		.rsp = USER_STACK, .ss = USER_DS,
	};

	step_count = 0;
	steps_wanted = 1;
	wrmsr(MSR_SFMASK, mask);
	check_equal("SYSCALL in a step", run_user(&regs), SYSCALL_VECTOR);
}

static void check_syscall(void)
{
	map(USER_CODE, frames[0], PTE_U);
	map(USER_STACK - PAGE_SIZE, frames[1], PTE_W | PTE_U | PTE_NX);
	memcpy(frames[0], step_syscall, step_syscall_end - step_syscall);
	hooks[DB] = note_step;
	idt[DB].ist = 1; /* the stack is still the user's */
	step_in(0);
	check_equal("without FMASK.TF it traps", step_count, 1);
	check_equal("in the kernel", steps[0].rip, (u64)syscall_entry);
	check_equal("in ring 0", steps[0].cs, KERNEL_CS);
	step_in(EFLAGS_TF);
	check_equal("with FMASK.TF it does not", step_count, 0);
	check_equal("R11 has TF", this_cpu()->last.r11 & EFLAGS_TF, EFLAGS_TF);
	hooks[DB] = NULL;
	idt[DB].ist = 0;
	wrmsr(MSR_SFMASK, 0);
	memset(frames[0], 0, PAGE_SIZE);
	unmap(USER_CODE);
	unmap(USER_STACK - PAGE_SIZE);
}

void check_single_steps(void)
{
	apic_on();
	check_steps();
	check_resume_flag();
	check_repeated();
	check_syscall();
}
