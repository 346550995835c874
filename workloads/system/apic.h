/* The local APIC's registers, by x2APIC MSR (SDM Vol. 3A, "Local APIC Register Address Space"). */
#ifndef SYSTEM_APIC_H
#define SYSTEM_APIC_H

#include "system.h"

#define X2APIC_ID 0x802
#define X2APIC_VERSION 0x803
#define X2APIC_TPR 0x808
#define X2APIC_PPR 0x80a
#define X2APIC_EOI 0x80b
#define X2APIC_SIVR 0x80f
#define X2APIC_ISR 0x810
#define X2APIC_IRR 0x820
#define X2APIC_ICR 0x830
#define X2APIC_LVT_TIMER 0x832
#define X2APIC_INITIAL_COUNT 0x838
#define X2APIC_CURRENT_COUNT 0x839
#define X2APIC_DIVIDE 0x83e
#define X2APIC_SELF_IPI 0x83f
#define MSR_TSC_DEADLINE 0x6e0 /* IA32_TSC_DEADLINE */

#define APIC_BASE_X2APIC (1 << 10)
#define APIC_BASE_ENABLE (1 << 11)
#define SIVR_ENABLE (1 << 8)
#define ICR_TO_SELF (1 << 18)
#define ICR_TO_ALL (2 << 18)
#define ICR_TO_OTHERS (3 << 18)
#define TIMER_PERIODIC (1 << 17)
#define TIMER_DEADLINE (2 << 17)
#define LVT_MASKED (1 << 16)
#define DIVIDE_BY_1 0xb
#define DIVIDE_BY_16 3

/* x2APIC mode, enabled, nothing masked by priority. */
static inline void apic_on(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE | APIC_BASE_X2APIC);
	wrmsr(X2APIC_TPR, 0);
	wrmsr(X2APIC_SIVR, SIVR_ENABLE | 0xff);
}

static inline void eoi(void)
{
	wrmsr(X2APIC_EOI, 0);
}

static inline void send_self(u32 vector)
{
	wrmsr(X2APIC_SELF_IPI, vector);
}

/* Interrupts on for a moment, long enough for those that are under way. */
static inline void open_window(void)
{
	asm volatile("sti\n"
		     "	mov $100, %%ecx\n"
		     "1:	pause\n"
		     "	dec %%ecx\n"
		     "	jnz 1b\n"
		     "	cli"
		     :
		     :
		     : "rcx", "memory", "cc");
}

/* Whether the vector's bit is set in one of the eight registers from `first`. */
static inline bool apic_bit(u32 first, u32 vector)
{
	return rdmsr(first + vector / 32) >> vector % 32 & 1;
}

#endif
