/*
 * The harness of litmus programs: a kernel that runs the threads of a test many times, each on a
 * CPU, and counts the final states. The test is data in the ramdisk.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "../kernel/arch/irq.h"
#include "../kernel/arch/x86.h"
#include "job.h"

#define STACK_BYTES 8192

/* ---- The job ---- */

extern const struct job *job;
extern const struct job_thread *job_threads;
extern const struct job_piece *job_pieces;
extern const struct job_observed *job_observed;
extern struct result result;

/* CPU of a thread in a batch. */
u32 place_of(u64 batch, u32 thread);
/* Bit i: CPU i has a place. */
u64 places_mask(void);
/* Gives the variables their first values. */
void reset_variables(void);

/* ---- CPUs ---- */

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 io_map_base;
} __attribute__((packed));

struct cpu {
	u64 exit_registers[16];	/* CPU_EXIT: where a thread that ends leaves its registers */
	u64 harness_rsp;	/* CPU_RSP: the harness's stack while a thread runs */
	u64 thread_rip;		/* CPU_RIP: where run_thread() goes */
	u64 random;
	u64 waiting;   /* bit i: threads[i] has not ended, and takes turns with others */
	u32 number, apic_id;
	u32 online;
	u32 count;     /* threads of this batch on this CPU */
	u32 threads[THREADS_MAX];
	u32 current;   /* the thread that runs */
	u32 rank, ranks; /* among the CPUs of this batch */
	struct tss tss;
	u8 trap_stack[STACK_BYTES] __attribute__((aligned(16)));
	u8 stack[STACK_BYTES] __attribute__((aligned(16)));
} __cacheline_aligned;

extern struct cpu cpus[];

/* By the task register. */
#define TSS_FIRST 0x30

static inline struct cpu *this_cpu(void)
{
	u64 selector;

	asm volatile("str %0" : "=r"(selector));
	return &cpus[(selector - TSS_FIRST) / 16];
}

void cpu_init(u32 number);
/* Those that have a place in some batch. */
void start_cpus(void);
/* Ends an HLT of all others. */
void wake_others(void);
noreturn void finish(enum status status);

/* ---- Threads ---- */

#define TIMER_VECTOR 0xe0

void threads_init(void);
/* Runs the threads of this CPU to their ends. */
void run_threads(struct cpu *cpu);
/* The timer's interrupt: another thread of this CPU goes on, or the only one has to end. */
void preempt(struct cpu *cpu, struct pt_regs *regs);
/* Has the timer look after a thread that is alone on this CPU. */
void watch(const struct cpu *cpu);
/* An interrupt after so many cycles; 0: none. */
void set_timer(u32 cycles);

/* Final registers of a thread, where its CPU has left them. */
extern const u64 *final_registers[THREADS_MAX];
/* Threads of a CPU that takes turns. */
extern u64 switched_registers[THREADS_MAX][16];

/* ---- Runs ---- */

noreturn void run_batches(struct cpu *cpu);
/* Lets the CPUs of the batch begin. */
void open_batch(u64 batch);
/* Has the run of now taken longer than any should? */
bool out_of_patience(void);
/* Names a thread that has not come to its end, and ends everything. */
noreturn void finish_stuck(u32 thread, u32 place, u64 rip);

/* ---- Histogram ---- */

void histogram_init(void);
/* Counts the final state; false when there is no room for another one. */
bool histogram_count(void);

/* ---- Small things ---- */

/* Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", its mixing function. */
static inline u64 mix(u64 value)
{
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
	value = (value ^ value >> 27) * 0x94d049bb133111eb;
	return value ^ value >> 31;
}

static inline u64 next_random(u64 *state)
{
	return mix(*state += 0x9e3779b97f4a7c15);
}

#endif
