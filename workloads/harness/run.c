/*
 * The runs. One CPU of a batch leads: it gives the variables their first values, names a start
 * time, waits for all, and counts the final state. Lines are brought into different states before
 * the start, and every thread starts a random time later, so that many interleavings are seen.
 * All of it depends on the seed and the number of the run.
 */
#include "harness.h"

#include "../kernel/arch/barrier.h"

#define START_CYCLES 400      /* from naming the start to it: a line's way across */
#define CPU_CYCLES 100	      /* to each of the CPUs */
#define VARIABLE_CYCLES 220   /* and a miss for every variable */
#define POLL_CYCLES 150       /* the last so many cycles are counted down, not polled */
#define SKEW_BITS_MIN 3
#define SKEW_BITS_RANGE 7     /* up to 2^9 cycles */
#define BACKLOG_MAX 4	      /* stores of the harness in front of a thread */

/* The start of a run: when, and of which. The number is stored last. */
static struct {
	u64 time, run;
} __cacheline_aligned start;

/* How far a CPU is: its last run. */
static struct {
	u64 run, late;
} __cacheline_aligned arrived[CPUS_MAX];

static struct {
	u64 number;
} __cacheline_aligned batch = { ~0ul };

/* Lines that all CPUs store to, so that each store misses. */
static struct {
	u64 value;
} __cacheline_aligned backlog[BACKLOG_MAX];

/* How the lines of the variables are before a run. */
enum style {
	STYLE_SHARED,	   /* in all caches */
	STYLE_INDEPENDENT, /* each CPU loads, stores, or leaves alone */
	STYLE_OWNED,	   /* each line is a random CPU's */
	STYLE_COLD,	   /* all are the leader's */
	STYLES,
};

/* A CPU that is late does this while the others run already: a locked addition of nothing gets the
 * line and changes nothing at any time. */
static void touch(u64 address, bool store)
{
	volatile u64 *place = (volatile u64 *)address;

	if (store)
		asm volatile("lock addq $0, %0" : "+m"(*place) : : "cc");
	else
		(void)*place;
}

static void prepare(const struct cpu *cpu, u64 random)
{
	enum style style = random % STYLES;
	u64 own = mix(random + cpu->rank + 1);

	if (style == STYLE_COLD)
		return;
	for (u32 i = 0; i < job->pieces; i++) {
		const struct job_piece *piece = &job_pieces[i];

		if (!piece->variable)
			continue;
		for (u64 at = 0; at < piece->bytes; at += CACHE_LINE) {
			u64 address = piece->address + at;

			own = own >> 2 | own << 62;
			if (style == STYLE_SHARED)
				touch(address, false);
			else if (style == STYLE_INDEPENDENT && (own & 3))
				touch(address, (own & 3) == 3);
			else if (style == STYLE_OWNED &&
				 mix(random + address) % cpu->ranks == cpu->rank)
				touch(address, true);
		}
	}
}

/* Half of the threads have none. */
static void fill_store_buffer(u64 random)
{
	u64 count = random & 1 ? (random >> 1) % BACKLOG_MAX + 1 : 0;

	for (u64 i = 0; i < count; i++)
		WRITE_ONCE(backlog[(random + i) % BACKLOG_MAX].value, random);
}

/* Two cycles a step where an instruction takes one. */
static inline void count_down(u64 cycles)
{
	u64 steps = cycles / 2 + 1;

	asm volatile("1: dec %0; jnz 1b" : "+r"(steps) : : "cc");
}

static void wait_until(u64 time, u64 extra)
{
	s64 left = time - rdtsc();

	if (left < 0)
		arrived[this_cpu()->number].late++;
	while (left > POLL_CYCLES)
		left = time - rdtsc();
	count_down((left > 0 ? left : 0) + extra);
}

bool out_of_patience(void)
{
	return (s64)(rdtsc() - READ_ONCE(start.time)) > (s64)job->patience;
}

noreturn void finish(enum status status)
{
	static u64 once;

	/* Two CPUs may find something at the same time. */
	if (__atomic_exchange_n(&once, 1, __ATOMIC_SEQ_CST) == 0) {
		for (u32 i = 0; i < CPUS_MAX; i++)
			result.late += arrived[i].late;
		result.status = status;
		smp_mb();
		outb(EXIT_PORT, 0);
	}
	for (;;)
		asm volatile("cli; hlt");
}

noreturn void finish_stuck(u32 thread, u32 place, u64 rip)
{
	result.thread = thread;
	result.cpu = place;
	result.rip = rip;
	finish(STATUS_STUCK);
}

static void wait_for_all(u64 number, u64 run)
{
	for (u32 t = 0; t < job->threads; t++) {
		u32 other = place_of(number, t);

		while (READ_ONCE(arrived[other].run) < run) {
			if (out_of_patience())
				finish_stuck(t, other, 0);
			cpu_relax();
		}
	}
}

static u64 see_start(u64 run)
{
	while (READ_ONCE(start.run) != run)
		cpu_relax();
	return READ_ONCE(start.time);
}

static u64 name_start(const struct cpu *cpu, u64 run)
{
	u64 time;

	reset_variables();
	smp_mb();
	time = rdtsc() + START_CYCLES + CPU_CYCLES * cpu->ranks +
	       VARIABLE_CYCLES * job->variables;
	WRITE_ONCE(start.time, time);
	WRITE_ONCE(start.run, run);
	return time;
}

static void run_batch(struct cpu *cpu, u64 number, bool leader)
{
	u64 first = number * job->runs_per_batch;
	u64 last = first + job->runs_per_batch;

	if (last > job->runs)
		last = job->runs;
	watch(cpu);
	for (u64 run = first + 1; run <= last; run++) {
		u64 random = mix(job->seed + run * 0x9e3779b97f4a7c15);
		u64 bits = SKEW_BITS_MIN + (random >> 32) % SKEW_BITS_RANGE;
		u64 own = mix(random - cpu->rank - 1);
		u64 time = leader ? name_start(cpu, run) : see_start(run);

		prepare(cpu, random);
		smp_mb();
		wait_until(time, own & ((1ul << bits) - 1));
		fill_store_buffer(own >> 32);
		run_threads(cpu);
		/* Stores stay in order: who sees this sees all that the threads have stored. */
		WRITE_ONCE(arrived[cpu->number].run, run);
		if (!leader)
			continue;
		wait_for_all(number, run);
		if (!histogram_count())
			finish(STATUS_FULL);
	}
}

/* What this CPU is in a batch; false if it has no part. */
static bool take_place(struct cpu *cpu, u64 number)
{
	u64 seen = 0, mask;

	cpu->count = 0;
	cpu->ranks = 0;
	for (u32 t = 0; t < job->threads; t++) {
		u32 place = place_of(number, t);

		if (place == cpu->number) {
			if (cpu->count == 0)
				cpu->rank = cpu->ranks;
			cpu->threads[cpu->count++] = t;
		}
		mask = 1ul << place;
		cpu->ranks += !(seen & mask);
		seen |= mask;
	}
	return cpu->count != 0;
}

/* The leader says where each thread will leave its registers. */
static void find_finals(u64 number)
{
	for (u32 t = 0; t < job->threads; t++) {
		u32 place = place_of(number, t), sharing = 0;

		for (u32 u = 0; u < job->threads; u++)
			sharing += place_of(number, u) == place;
		final_registers[t] = sharing == 1 ? cpus[place].exit_registers
						  : switched_registers[t];
	}
}

void open_batch(u64 number)
{
	WRITE_ONCE(batch.number, number);
	wake_others();
}

static void wait_for_batch(u64 number)
{
	irq_disable();
	while (READ_ONCE(batch.number) != number) {
		safe_halt();
		irq_disable();
	}
}

noreturn void run_batches(struct cpu *cpu)
{
	cpu->random = mix(job->seed + cpu->number);
	for (u64 number = 0; number < job->batches; number++) {
		bool leader = place_of(number, number % job->threads) == cpu->number;

		if (!take_place(cpu, number))
			continue;
		wait_for_batch(number);
		if (leader)
			find_finals(number);
		run_batch(cpu, number, leader);
		if (!leader)
			continue;
		if (number + 1 == job->batches)
			finish(STATUS_DONE);
		open_batch(number + 1);
	}
	for (;;)
		asm volatile("cli; hlt");
}
