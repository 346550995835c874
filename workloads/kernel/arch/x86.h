/* The instructions that C has no words for. */
#ifndef X86_H
#define X86_H

#include "../core/types.h"

#define EFLAGS_IF 0x200
#define EFLAGS_DF 0x400
#define EFLAGS_AC 0x40000
#define EFLAGS_NT 0x4000
#define EFLAGS_TF 0x100
#define EFLAGS_FIXED 0x2

#define MSR_APIC_BASE 0x1b		/* IA32_APIC_BASE */
#define MSR_EFER 0xc0000080		/* IA32_EFER */
#define MSR_STAR 0xc0000081		/* IA32_STAR */
#define MSR_LSTAR 0xc0000082		/* IA32_LSTAR */
#define MSR_SFMASK 0xc0000084		/* IA32_FMASK */
#define MSR_GS_BASE 0xc0000101		/* IA32_GS_BASE */
#define MSR_KERNEL_GS_BASE 0xc0000102	/* IA32_KERNEL_GS_BASE */

#define EFER_SCE 1

static inline u64 rdmsr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return low | (u64)high << 32;
}

static inline void wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static inline void cpuid(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
	asm volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "a"(leaf), "c"(0));
}

static inline void outb(u16 port, u8 value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline u8 inb(u16 port)
{
	u8 value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline u64 read_cr2(void)
{
	u64 value;

	asm volatile("mov %%cr2, %0" : "=r"(value));
	return value;
}

/* a * b / c with a 128-bit product; the quotient must fit 64 bits. */
static inline u64 muldiv(u64 a, u64 b, u64 c)
{
	u64 high;

	asm("mulq %[b]\n\tdivq %[c]"
	    : "+a"(a), "=&d"(high)
	    : [b] "r"(b), [c] "r"(c)
	    : "cc");
	return a;
}

static inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return low | (u64)high << 32;
}

static inline u64 read_cr3(void)
{
	u64 value;

	asm volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

static inline void write_cr3(u64 value)
{
	asm volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline void irq_disable(void)
{
	asm volatile("cli" : : : "memory");
}

static inline void irq_enable(void)
{
	asm volatile("sti" : : : "memory");
}

static inline u64 irq_save(void)
{
	u64 flags;

	asm volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
	return flags;
}

static inline void irq_restore(u64 flags)
{
	asm volatile("pushq %0; popfq" : : "r"(flags) : "memory", "cc");
}

/* STI holds interrupts off until after the next instruction: a wake-up interrupt that arrives
 * between the caller's last look for work and the HLT ends the HLT instead of coming before it.
 * */
static inline void safe_halt(void)
{
	asm volatile("sti; hlt" : : : "memory");
}

static inline void cpu_relax(void)
{
	asm volatile("pause" : : : "memory");
}

/* A pseudo-descriptor for LGDT and LIDT. */
struct descriptor_table {
	u16 limit;
	u64 base;
} __attribute__((packed));

static inline void lgdt(const struct descriptor_table *table)
{
	asm volatile("lgdt %0" : : "m"(*table) : "memory");
}

static inline void lidt(const struct descriptor_table *table)
{
	asm volatile("lidt %0" : : "m"(*table) : "memory");
}

static inline void ltr(u16 selector)
{
	asm volatile("ltr %0" : : "r"(selector) : "memory");
}

/* Loads CS by a far return, then the data segments; FS and GS get the null selector. */
static inline void load_segments(void)
{
	u64 scratch;

	asm volatile("pushq %[cs]\n"
		     "leaq 1f(%%rip), %[scratch]\n"
		     "pushq %[scratch]\n"
		     "lretq\n"
		     "1: movl %[ds], %k[scratch]\n"
		     "movl %k[scratch], %%ds\n"
		     "movl %k[scratch], %%es\n"
		     "movl %k[scratch], %%ss\n"
		     "xorl %k[scratch], %k[scratch]\n"
		     "movl %k[scratch], %%fs\n"
		     "movl %k[scratch], %%gs\n"
		     : [scratch] "=&r"(scratch)
		     : [cs] "i"(KERNEL_CS), [ds] "i"(KERNEL_DS)
		     : "memory");
}

/* Bytes move upwards; the kernel keeps DF clear. */
static inline void rep_movsq(void *to, const void *from, u64 quads)
{
	asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(quads) : : "memory");
}

static inline void rep_stosq(void *to, u64 value, u64 quads)
{
	asm volatile("rep stosq" : "+D"(to), "+c"(quads) : "a"(value) : "memory");
}

#endif
