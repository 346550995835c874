/*
 * The threads of a test on this CPU. One alone runs from its first instruction to its end; the
 * timer only ends a run that lasts too long. Several take turns: the timer's interrupt comes after
 * a random time and lets another one go on, as a kernel would.
 */
#include "harness.h"

#define TURN_BITS 11 /* a turn takes at most 2^11 cycles */

/* Where a thread that takes turns begins, and where it goes on. */
static struct pt_regs begin[THREADS_MAX], context[THREADS_MAX];
u64 switched_registers[THREADS_MAX][16];
const u64 *final_registers[THREADS_MAX];

void run_thread(const u64 registers[16], u64 rip);
void resume_thread(struct pt_regs *regs);

void threads_init(void)
{
	for (u32 i = 0; i < job->threads; i++) {
		const u64 *from = job_threads[i].registers;

		begin[i] = (struct pt_regs){
			.rax = from[0], .rcx = from[1], .rdx = from[2], .rbx = from[3],
			.rsp = from[4], .rbp = from[5], .rsi = from[6], .rdi = from[7],
			.r8 = from[8], .r9 = from[9], .r10 = from[10], .r11 = from[11],
			.r12 = from[12], .r13 = from[13], .r14 = from[14], .r15 = from[15],
			.rip = job_threads[i].rip,
			.cs = KERNEL_CS,
			.ss = KERNEL_DS,
			.rflags = EFLAGS_FIXED | EFLAGS_IF,
		};
	}
}

/* One of the bits of a mask that is not 0. */
static u32 random_bit(u64 *random, u64 mask)
{
	u32 bit = next_random(random) & 63;

	/* From a random place upwards, around the end. */
	mask = mask >> bit | (bit ? mask << (64 - bit) : 0);
	return (__builtin_ctzl(mask) + bit) & 63;
}

/* The next turn is of another thread, for a random time. */
static void choose(struct cpu *cpu)
{
	cpu->current = cpu->threads[random_bit(&cpu->random, cpu->waiting)];
	set_timer((next_random(&cpu->random) & ((1 << TURN_BITS) - 1)) + 1);
}

void watch(const struct cpu *cpu)
{
	set_timer(cpu->count == 1 ? job->patience : 0);
}

void preempt(struct cpu *cpu, struct pt_regs *regs)
{
	if (cpu->count == 1) {
		/* In the harness it means nothing: the run has ended, or has not begun. */
		if (regs->rip < KERNEL_BASE && out_of_patience())
			finish_stuck(cpu->current, cpu->number, regs->rip);
		watch(cpu);
		return;
	}
	/* The last timer may expire after the last thread's end. */
	if (!cpu->waiting)
		return;
	context[cpu->current] = *regs;
	if (out_of_patience())
		finish_stuck(cpu->current, cpu->number, regs->rip);
	choose(cpu);
	*regs = context[cpu->current];
}

static void take_turns(struct cpu *cpu)
{
	for (u32 i = 0; i < cpu->count; i++)
		context[cpu->threads[i]] = begin[cpu->threads[i]];
	cpu->waiting = cpu->count == 64 ? ~0ul : (1ul << cpu->count) - 1;
	while (cpu->waiting) {
		choose(cpu);
		resume_thread(&context[cpu->current]);
		/* Another one than was chosen here may have come to its end. */
		for (u32 r = 0; r < 16; r++)
			switched_registers[cpu->current][r] = cpu->exit_registers[r];
		for (u32 i = 0; i < cpu->count; i++)
			if (cpu->threads[i] == cpu->current)
				cpu->waiting &= ~(1ul << i);
	}
	set_timer(0);
}

void run_threads(struct cpu *cpu)
{
	if (cpu->count != 1) {
		take_turns(cpu);
		return;
	}
	cpu->current = cpu->threads[0];
	run_thread(job_threads[cpu->current].registers, job_threads[cpu->current].rip);
}
