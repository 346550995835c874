/*
 * A kernel that checks the processor under it: one line per check, exit code 0 or 1 through the
 * exit port. It starts as the kernel of ../kernel does and uses its console and ACPI code.
 *
 *     PROBE(name, before, instruction, after)   code that may fault at name_at
 *     check_fault(..)                           runs it and compares vector, error code and RIP
 */
#ifndef SYSTEM_H
#define SYSTEM_H

#include "../kernel/arch/irq.h"
#include "../kernel/arch/x86.h"
#include "../kernel/core/printk.h"
#include "../kernel/core/string.h"

/* ---- Exceptions (SDM Vol. 3A, "Exception and Interrupt Reference") ---- */

#define DE 0
#define DB 1
#define BP 3
#define UD 6
#define DF 8
#define TS 10
#define NP 11
#define SS 12
#define GP 13
#define PF 14
#define AC 17
#define NO_FAULT (~0ul)
#define SYSCALL_VECTOR 256 /* not a vector: user code executed SYSCALL */

/* Page-fault error code. */
#define PF_PRESENT 1
#define PF_WRITE 2
#define PF_USER 4
#define PF_RESERVED 8
#define PF_FETCH 16

#define NON_CANONICAL 0x0000800000000000

/* ---- CPUs ---- */

#define STACK_BYTES 16384
#define TSS_FIRST 0xa0 /* selector of CPU 0's TSS; 16 bytes each */

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
	u64 probe_rsp;	  /* where a fault in a probe goes on; 0: none is running */
	u64 user_rsp;	  /* where a trap from user mode goes on */
	struct pt_regs last; /* the last trap that ended a probe or a visit to user mode */
	u64 last_cr2;
	const struct pt_regs *frame; /* where on the stack it stood */
	u64 traps;
	u64 ticks; /* what interrupt hooks count */
	void (*work)(u64);
	u64 argument;
	u32 number, apic_id;
	u32 online;
	struct tss tss;
	u8 trap_stack[STACK_BYTES] __attribute__((aligned(16)));
	u8 ist_stack[STACK_BYTES] __attribute__((aligned(16)));
	u8 stack[STACK_BYTES] __attribute__((aligned(16)));
} __cacheline_aligned;

extern struct cpu cpus[];
extern u32 cpu_count;

/* The task register says which CPU this is, whatever a check does with GS. Only CPU 0 ever has
 * another one than its own. */
static inline struct cpu *this_cpu(void)
{
	u64 selector;

	asm volatile("str %0" : "=r"(selector));
	return &cpus[selector < TSS_FIRST ? 0 : (selector - TSS_FIRST) / 16];
}

/* ---- Descriptors: main.c fills the table, in the order of the kernel's selectors ---- */

#define ABSENT_DATA 0x30
#define BASED_DATA 0x38 /* with a base */
#define READ_ONLY_DATA 0x40
#define CONFORMING_CODE 0x48
#define ABSENT_CODE 0x50
#define SMALL_TSS 0x58 /* too short for any IST slot; 16 bytes */
#define ABSENT_TSS 0x68
#define LOCAL_TABLE 0x78 /* an LDT; 16 bytes */
#define NEW_DATA 0x88 /* not accessed yet */
#define NEW_CODE 0x90
#define WIDE_CODE 0x98 /* L and D both set, and absent */
#define DATA_BASE 0x12340
#define TSS_BUSY (2ul << 40)

struct gate {
	u16 offset_low;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};

#define GATE_INTERRUPT 0x8e
#define GATE_TRAP 0x8f
#define GATE_USER 0x60 /* DPL 3 */

extern u64 gdt[];
#define LDT_ENTRIES 4
/* As in the GDT: data with a base, code, data of ring 3 not accessed yet. */
#define LOCAL_DATA 0x0c
#define LOCAL_CODE 0x14
#define LOCAL_NEW 0x1c
extern u64 ldt[];
extern struct gate idt[256];

struct gate make_gate(u32 vector, u8 type, u8 ist);
void cpu_init(u32 number);

/* Returns true to go on where the trap was, false for the usual way. */
typedef bool (*trap_hook)(struct pt_regs *);
extern trap_hook hooks[SYSCALL_VECTOR + 1];

/* ---- Probes ---- */

typedef u64 (*probe_fn)(u64 a, u64 b, u64 c);

/* The arguments are in RDI, RSI and RDX; `instruction` may fault. */
#define PROBE(name, before, instruction, after)                                                    \
	u64 name(u64 a, u64 b, u64 c);                                                             \
	extern char name##_at[], name##_next[];                                                    \
	asm(".text\n"                                                                              \
	    ".globl " #name ", " #name "_at, " #name "_next\n"                                     \
	    ".balign 64\n" #name ":\n" before "\n" #name "_at:\n" instruction "\n" #name           \
	    "_next:\n" after "\nret\n")

/* Runs it; returns the vector of its fault, or NO_FAULT and leaves its value in probe_value. */
u64 probe(probe_fn fn, u64 a, u64 b, u64 c);
extern u64 probe_value;

/* Goes to user mode with these registers; returns the vector that brought it back. */
u64 run_user(struct pt_regs *regs);
u64 run_user_by_sysret(struct pt_regs *regs);

/* ---- Checks ---- */

void group(const char *name);
void check(const char *name, bool good);
void check_equal(const char *name, u64 got, u64 want);
/* Of the last trap. rip 0: not compared. */
void check_trap(const char *name, u64 vector, u64 want, u64 error, const void *rip);
void check_outcome(const char *name, u64 want, probe_fn fn, u64 a, u64 b, u64 c);

/* Up to three arguments for the probe; those left out are 0. */
#define PROBE_ARGUMENTS(a, b, c, ...) a, b, c

/* The probe faults at its instruction. */
#define check_fault(name, vector, error, fn, ...)                                                  \
	check_trap(name, probe(fn, PROBE_ARGUMENTS(__VA_ARGS__ __VA_OPT__(, ) 0, 0, 0)), vector,   \
		   error, fn##_at)

/* The probe does not fault, and its value is as wanted. */
#define check_runs(name, want, fn, ...)                                                            \
	check_outcome(name, want, fn, PROBE_ARGUMENTS(__VA_ARGS__ __VA_OPT__(, ) 0, 0, 0))

/* ---- Pages: an area of linear addresses that belongs to the checks ---- */

#define AREA 0x0000008000000000
#define AREA_2M (AREA + 0x40000000)
#define AREA_1G (AREA + 0x80000000)
#define USER_CODE (AREA + 0x100000)
#define USER_STACK (AREA + 0x110000) /* its end */
#define FRAMES 16

#define PTE_P 1ul
#define PTE_W 2ul
#define PTE_U 4ul
#define PTE_A 0x20ul
#define PTE_D 0x40ul
#define PTE_PS 0x80ul
#define PTE_G 0x100ul
#define PTE_NX (1ul << 63)

extern u8 frames[FRAMES][PAGE_SIZE];

/* The entry for `lin` at a level: 1 maps 4 KiB, 2 maps 2 MiB, 3 maps 1 GiB. Makes the tables. */
u64 *entry_of(u64 lin, u32 level);
void map(u64 lin, const void *frame, u64 flags);
void unmap(u64 lin);

static inline void invlpg(u64 lin)
{
	asm volatile("invlpg (%0)" : : "r"(lin) : "memory");
}

static inline u64 read_cr0(void)
{
	u64 value;

	asm volatile("mov %%cr0, %0" : "=r"(value));
	return value;
}

static inline void write_cr0(u64 value)
{
	asm volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static inline u64 read_cr4(void)
{
	u64 value;

	asm volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

static inline void write_cr4(u64 value)
{
	asm volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

static inline u64 flags(void)
{
	u64 value;

	asm volatile("pushfq; popq %0" : "=r"(value) : : "memory");
	return value;
}

static inline u64 load64(u64 lin)
{
	return *(volatile u64 *)lin;
}

static inline void store64(u64 lin, u64 value)
{
	*(volatile u64 *)lin = value;
}

/* ---- The groups of checks ---- */

void check_exceptions(void);
void check_single_steps(void);
void check_gates(void);
void check_segments(void);
void check_registers(void);
void check_features(void);
void check_pages(void);
void check_tlb(void);
void check_splits(void);
void check_stack(void);
void check_strings(void);
void check_atomics(void);
void check_rings(void);
void check_syscalls(void);
void check_double_fault(void);
void check_code(void);
void check_xapic(void);
void check_interrupts(void);
void check_timer(void);
void check_cpus(void);
void triple_fault(void);

/* Starts the other CPUs; then runs fn on one of them, and waits for its end. */
void start_cpus(void);
void run_on(u32 cpu, void (*fn)(u64), u64 argument);
void start_on(u32 cpu, void (*fn)(u64), u64 argument);
void wait_for(u32 cpu);

#endif
