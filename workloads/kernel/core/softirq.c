/*
 * Work that an interrupt leaves for later: it runs on the CPU that took the interrupt, on its way
 * out, with interrupts on and no other softirq of that CPU beside it. What it shares with
 * interrupt handlers is per CPU and reached with interrupts off.
 */
#include "softirq.h"

#include "../arch/cpu.h"
#include "panic.h"

static softirq_action_t actions[NR_SOFTIRQS];

void open_softirq(u32 number, softirq_action_t action)
{
	BUG_ON(actions[number]);
	actions[number] = action;
}

void raise_softirq_irqoff(u32 number)
{
	this_cpu()->softirq_pending |= 1 << number;
}

/* Called with interrupts off, and returns so. An interrupt that arrives meanwhile finds
 * `in_softirq` set and leaves what it raised to the loop here. */
void do_softirq(void)
{
	struct cpu *cpu = this_cpu();
	u32 pending;

	if (cpu->in_softirq)
		return;
	cpu->in_softirq = true;
	while ((pending = cpu->softirq_pending)) {
		cpu->softirq_pending = 0;
		irq_enable();
		for (u32 number = 0; number < NR_SOFTIRQS; number++) {
			if (pending >> number & 1)
				actions[number]();
		}
		irq_disable();
	}
	cpu->in_softirq = false;
}
