/* x2APIC (SDM Vol. 3A, "Extended XAPIC (x2APIC)"): registers are MSRs from 800H. The timer fires
 * once, at a value of the TSC. */
#include "apic.h"

#include "../core/panic.h"
#include "barrier.h"
#include "irq.h"
#include "x86.h"

#define APIC_BASE_X2APIC (1 << 10)
#define APIC_BASE_ENABLE (1 << 11)
#define CPUID_X2APIC (1 << 21)

#define X2APIC_ID 0x802
#define X2APIC_TPR 0x808
#define X2APIC_EOI 0x80b
#define X2APIC_SIVR 0x80f /* Spurious Interrupt Vector Register */
#define X2APIC_LVT_TIMER 0x832
#define TSC_DEADLINE_MODE (2 << 17)
#define MSR_TSC_DEADLINE 0x6e0 /* IA32_TSC_DEADLINE */
#define X2APIC_ICR 0x830  /* Interrupt Command Register: 63:32 destination, 7:0 vector */
#define SIVR_ENABLE (1 << 8)

void apic_init(void)
{
	u32 a, b, c, d;

	cpuid(1, &a, &b, &c, &d);
	if (!(c & CPUID_X2APIC))
		panic("no x2APIC");
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE | APIC_BASE_X2APIC);
	wrmsr(X2APIC_TPR, 0);
	wrmsr(X2APIC_SIVR, SIVR_ENABLE | VECTOR_SPURIOUS);
	wrmsr(X2APIC_LVT_TIMER, TSC_DEADLINE_MODE | VECTOR_TIMER);
}

/* An interrupt when the TSC reaches `tsc`, at once if it has; 0 disarms. */
void apic_deadline(u64 tsc)
{
	wrmsr(MSR_TSC_DEADLINE, tsc);
}

u32 apic_id(void)
{
	return rdmsr(X2APIC_ID);
}

void apic_eoi(void)
{
	wrmsr(X2APIC_EOI, 0);
}

/*
 * A write to an x2APIC register does not wait for the store buffer (SDM Vol. 3A, "MSR Access in
 * x2APIC Mode"). Without the fence the interrupt could reach the other CPU before the stores that
 * it is about: an idle CPU would take the interrupt, read the old need_resched, and halt again
 * with nobody left to wake it.
 */
void apic_send(u32 apic_id, u8 vector)
{
	smp_mb();
	wrmsr(X2APIC_ICR, (u64)apic_id << 32 | vector);
}
