/*
 * What each CPU has for itself. GS points at it in kernel mode; SWAPGS exchanges that with the
 * user's on the way in and out.
 *
 *       0 | self | 8 | curr | 16 | kernel_sp | 24 | user_sp | 32 | number, apic_id | ...
 *      64 | need_resched: a line of its own, other CPUs write it
 *     128 | softirq_pending, in_softirq, locks_held, timer_base
 *     192 | rq                                                                  (core/sched.h)
 */
#ifndef CPU_H
#define CPU_H

/* Offsets that assembly uses; cpu.c asserts them. */
#define CPU_CURRENT 8
#define CPU_KERNEL_SP 16
#define CPU_USER_SP 24
#define CPU_NEED_RESCHED 64

#ifndef __ASSEMBLER__

#include <smpbox-debug.h>

#include "../core/list.h"
#include "../core/timer.h"
#include "spinlock.h"

struct task;

/* The run queue of one CPU. The running task stays on the queue; the idle task is never on it. */
struct rq {
	spinlock_t lock;
	u32 nr_running;
	struct list_head queue;
	struct task *idle;
	atomic_t nr_iowait;
} __cacheline_aligned;

/* 64-bit TSS (SDM Vol. 3A, "TSS Structure"): only the ring 0 stack pointer is used. */
struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 io_map_base;
} __attribute__((packed));

#define GDT_ENTRIES 8

struct cpu {
	struct cpu *self;
	struct task *curr;
	u64 kernel_sp; /* top of the current task's kernel stack: SYSCALL does not switch stacks */
	u64 user_sp;   /* the user's stack pointer, while SYSCALL has no stack yet       */
	u32 number;
	u32 apic_id;
	u16 online;

	u32 need_resched __cacheline_aligned;

	u32 softirq_pending __cacheline_aligned; /* bits, reached with interrupts off */
	bool in_softirq;
	u32 locks_held; /* spin locks and rwlocks: arch/spinlock.h */
	struct timer_base timer_base;

	struct rq rq;
	struct smpbox_counters counters __cacheline_aligned;
	u64 gdt[GDT_ENTRIES] __cacheline_aligned;
	struct tss tss __cacheline_aligned;
} __cacheline_aligned;

extern struct cpu cpus[CPUS_MAX];
extern u32 nr_cpus;

static inline struct cpu *this_cpu(void)
{
	struct cpu *cpu;

	/* volatile: a task that slept may be on another CPU when it wakes. */
	asm volatile("movq %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

static inline struct task *get_current(void)
{
	struct task *task;

	asm("movq %%gs:%c1, %0" : "=r"(task) : "i"(CPU_CURRENT));
	return task;
}

#define current get_current()

void cpu_init(u32 number);
void smp_boot(void);
noreturn void ap_main(void);

#endif
#endif
