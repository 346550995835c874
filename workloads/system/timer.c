/* The APIC timer: one-shot, periodic, TSC-deadline; and by its help the shadow of MOV SS. */
#include "apic.h"

#define VECTOR 0x60
#define TICKS_MAX 8
#define PATIENCE 2000000 /* cycles that a tick may take to come */
#define SLACK 20000	 /* cycles between the expiry and the handler's look at the TSC */

static u64 at[TICKS_MAX];
static u32 ticks;

static bool note(struct pt_regs *regs)
{
	(void)regs;
	if (ticks < TICKS_MAX)
		at[ticks] = rdtsc();
	ticks++;
	eoi();
	return true;
}

/* Waits, with interrupts on, for ticks to come, or for some cycles. */
static void wait(u32 wanted, u64 cycles)
{
	u64 start = rdtsc();

	while (ticks < wanted && rdtsc() - start < cycles)
		asm volatile("sti; nop; cli" : : : "memory");
}

static void arm(u32 lvt, u32 divide, u32 count)
{
	ticks = 0;
	wrmsr(X2APIC_DIVIDE, divide);
	wrmsr(X2APIC_LVT_TIMER, lvt);
	wrmsr(X2APIC_INITIAL_COUNT, count);
}

static void check_after(const char *name, u64 start, u64 cycles)
{
	u64 took = at[0] - start;
	bool good = ticks == 1 && took >= cycles && took < cycles + SLACK;

	check(name, good);
	if (!good)
		printk("  %u ticks, the first after %lu cycles\n", ticks, took);
}

static void check_one_shot(void)
{
	u64 start = rdtsc(), first, second;

	arm(VECTOR, DIVIDE_BY_1, 50000);
	first = rdmsr(X2APIC_CURRENT_COUNT);
	second = rdmsr(X2APIC_CURRENT_COUNT);
	wait(1, PATIENCE);
	check_after("one-shot", start, 50000);
	check("the count went down", first <= 50000 && second < first && second > 0);
	check_equal("the initial count stays", rdmsr(X2APIC_INITIAL_COUNT), 50000);
	check_equal("the count stays 0", rdmsr(X2APIC_CURRENT_COUNT), 0);
	wait(2, 200000);
	check_equal("it fires once", ticks, 1);

	start = rdtsc();
	arm(VECTOR, DIVIDE_BY_16, 5000);
	wait(1, PATIENCE);
	check_after("divided by 16", start, 80000);

	arm(VECTOR | LVT_MASKED, DIVIDE_BY_1, 10000);
	wait(1, 100000);
	check_equal("masked", ticks, 0);
	check("and IRR has nothing", !apic_bit(X2APIC_IRR, VECTOR));
	arm(VECTOR, DIVIDE_BY_1, 50000);
	wrmsr(X2APIC_INITIAL_COUNT, 0);
	wait(1, 200000);
	check_equal("stopped by a count of 0", ticks, 0);

	start = rdtsc();
	arm(VECTOR, DIVIDE_BY_1, 100000);
	while (!ticks && rdtsc() - start < PATIENCE)
		asm volatile("sti; hlt; cli" : : : "memory");
	check_after("it ends a HLT", start, 100000);
}

static void check_periodic(void)
{
	bool even = true;

	arm(VECTOR | TIMER_PERIODIC, DIVIDE_BY_1, 40000);
	wait(5, PATIENCE);
	wrmsr(X2APIC_LVT_TIMER, LVT_MASKED);
	check_equal("periodic", ticks, 5);
	/* From tick to tick, but for the delay of each. */
	for (u32 i = 1; i < 5; i++)
		even &= at[i] - at[0] > i * 40000 - SLACK && at[i] - at[0] < i * 40000 + SLACK;
	check("its period", even);
	wrmsr(X2APIC_INITIAL_COUNT, 0);
	wait(6, 100000);
	check_equal("stopped", ticks, 5);
}

static void check_deadline(void)
{
	u64 start, set;

	arm(VECTOR | TIMER_DEADLINE, DIVIDE_BY_1, 0);
	start = rdtsc();
	wrmsr(MSR_TSC_DEADLINE, start + 60000);
	set = rdmsr(MSR_TSC_DEADLINE);
	wait(1, PATIENCE);
	check_after("TSC deadline", start, 60000);
	check_equal("it could be read", set, start + 60000);
	check_equal("it is 0 then", rdmsr(MSR_TSC_DEADLINE), 0);
	ticks = 0;
	start = rdtsc();
	wrmsr(MSR_TSC_DEADLINE, start - 1);
	wait(1, PATIENCE);
	check_after("a past deadline", start, 0);
	ticks = 0;
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 50000);
	wrmsr(MSR_TSC_DEADLINE, 0);
	wait(1, 200000);
	check_equal("disarmed", ticks, 0);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 50000);
	wrmsr(X2APIC_LVT_TIMER, VECTOR);
	wait(1, 200000);
	check_equal("another mode disarms it", ticks, 0);
	check_equal("and clears it", rdmsr(MSR_TSC_DEADLINE), 0);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 50000);
	wait(1, 200000);
	check_equal("in another mode it is ignored", ticks, 0);
}

/* ---- MOV SS holds an interrupt off until the next instruction is done ---- */

#define SHADOW_ROUNDS 100

void shadow_loop(u64 cycles_end);
extern char shadow_start[], shadow_behind[], shadow_end[];
asm(".text\n"
    ".globl shadow_loop, shadow_start, shadow_behind, shadow_end\n"
    "shadow_loop:\n"
    "	mov %ss, %ecx\n"
    "	sti\n"
    "shadow_start:\n"
    "	mov %ecx, %ss\n"
    "shadow_behind:\n"
    "	nop\n"
    "	dec %rdi\n"
    "	jnz shadow_start\n"
    "shadow_end:\n"
    "	cli\n"
    "	ret\n");

static u32 inside, in_shadow;

static bool note_place(struct pt_regs *regs)
{
	if (regs->rip >= (u64)shadow_start && regs->rip < (u64)shadow_end)
		inside++;
	if (regs->rip == (u64)shadow_behind)
		in_shadow++;
	eoi();
	return true;
}

static void check_shadow(void)
{
	hooks[VECTOR] = note_place;
	/* An odd period wanders over the instructions of the loop. */
	arm(VECTOR | TIMER_PERIODIC, DIVIDE_BY_1, 3001);
	for (u32 i = 0; i < SHADOW_ROUNDS && inside < SHADOW_ROUNDS; i++)
		shadow_loop(2000);
	wrmsr(X2APIC_LVT_TIMER, LVT_MASKED);
	wrmsr(X2APIC_INITIAL_COUNT, 0);
	open_window();
	check("interrupts came in the loop", inside >= SHADOW_ROUNDS / 2);
	check_equal("none directly behind MOV SS", in_shadow, 0);
}

/* ---- User code that never stops ---- */

static bool let_end(struct pt_regs *regs)
{
	eoi();
	return !user_mode(regs);
}

static void check_user_interrupted(void)
{
	const struct pt_regs *last = &this_cpu()->last;
	struct pt_regs regs = {
		.rip = USER_CODE, .cs = USER_CS, .rflags = EFLAGS_FIXED | EFLAGS_IF | 0x41,
		.rsp = USER_STACK, .ss = USER_DS, .rax = 0x1111, .r15 = 0x2222,
	};
	u64 vector;

	map(USER_CODE, frames[0], PTE_U);
	map(USER_STACK - PAGE_SIZE, frames[1], PTE_W | PTE_U | PTE_NX);
	frames[0][0] = 0xeb; /* jmp . */
	frames[0][1] = 0xfe;
	hooks[VECTOR] = let_end;
	arm(VECTOR, DIVIDE_BY_1, 5000);
	vector = run_user(&regs);
	check_trap("it interrupts ring 3", vector, VECTOR, 0, (void *)USER_CODE);
	check("and keeps its registers", last->rax == 0x1111 && last->r15 == 0x2222 &&
						 last->rsp == USER_STACK);
	check_equal("and its flags", last->rflags, regs.rflags);
}

void check_timer(void)
{
	apic_on();
	hooks[VECTOR] = note;
	check_one_shot();
	check_periodic();
	check_deadline();
	check_shadow();
	check_user_interrupted();
	hooks[VECTOR] = NULL;
}
