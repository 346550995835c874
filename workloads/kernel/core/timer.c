/*
 * Timers. Each CPU keeps its own by time and arms its APIC for the earliest (SDM Vol. 3A,
 * "TSC-Deadline Mode"); there is no tick, so a machine with no timer pending has no event to come.
 * The functions run in TIMER_SOFTIRQ of the CPU on which the timer was started.
 */
#include "timer.h"

#include "../arch/apic.h"
#include "../arch/cpu.h"
#include "panic.h"
#include "softirq.h"

#define CPUID_TSC 0x15

static u64 tsc_hz;

u64 clock_ns(void)
{
	return muldiv(rdtsc(), 1000000000, tsc_hz);
}

static u64 cycles_of(u64 ns)
{
	return muldiv(ns, tsc_hz, 1000000000);
}

void timer_setup(struct timer *timer, void (*function)(void *), void *data)
{
	INIT_LIST_HEAD(&timer->list);
	timer->function = function;
	timer->data = data;
	timer->base = timer->home = NULL;
}

static void arm(struct timer_base *base)
{
	u64 deadline = 0;

	if (!list_empty(&base->timers))
		deadline = list_first_entry(&base->timers, struct timer, list)->expires;
	apic_deadline(deadline);
}

/* The timer must not be pending. */
void timer_start(struct timer *timer, u64 ns)
{
	u64 flags = irq_save();
	struct timer_base *base = &this_cpu()->timer_base;
	struct list_head *at;

	spin_lock(&base->lock);
	BUG_ON(timer->base);
	timer->base = timer->home = base;
	timer->expires = rdtsc() + cycles_of(ns);
	for (at = base->timers.next; at != &base->timers; at = at->next) {
		if (list_entry(at, struct timer, list)->expires > timer->expires)
			break;
	}
	list_add_tail(&timer->list, at);
	if (base->timers.next == &timer->list)
		arm(base);
	spin_unlock_irqrestore(&base->lock, flags);
}

/* True when it had not fired yet. It may still be running on its CPU when this returns false. */
bool timer_cancel(struct timer *timer)
{
	struct timer_base *base = READ_ONCE(timer->base);
	bool pending;
	u64 flags;

	if (!base)
		return false;
	flags = spin_lock_irqsave(&base->lock);
	pending = timer->base == base;
	if (pending) {
		/* The deadline of another CPU stays: it finds nothing due and arms anew. */
		list_del_init(&timer->list);
		WRITE_ONCE(timer->base, NULL);
	}
	spin_unlock_irqrestore(&base->lock, flags);
	return pending;
}

/* run_timers() stores `running` before it clears the timer's `base`, so whoever finds the timer no
 * longer pending also finds it running, or done. */
void timer_cancel_sync(struct timer *timer)
{
	if (timer_cancel(timer) || !timer->home)
		return;
	while (READ_ONCE(timer->home->running) == timer)
		cpu_relax();
}

static void run_timers(void)
{
	struct timer_base *base = &this_cpu()->timer_base;
	u64 flags = spin_lock_irqsave(&base->lock);

	while (!list_empty(&base->timers)) {
		struct timer *timer = list_first_entry(&base->timers, struct timer, list);

		if (timer->expires > rdtsc())
			break;
		list_del_init(&timer->list);
		WRITE_ONCE(base->running, timer);
		WRITE_ONCE(timer->base, NULL);
		spin_unlock_irqrestore(&base->lock, flags);
		timer->function(timer->data);
		flags = spin_lock_irqsave(&base->lock);
		WRITE_ONCE(base->running, NULL);
	}
	arm(base);
	spin_unlock_irqrestore(&base->lock, flags);
}

void timer_interrupt(void)
{
	raise_softirq_irqoff(TIMER_SOFTIRQ);
}

void timers_init(void)
{
	u32 denominator, numerator, crystal, d;

	cpuid(CPUID_TSC, &denominator, &numerator, &crystal, &d);
	if (!denominator || !numerator || !crystal)
		panic("CPUID does not tell the rate of the TSC");
	tsc_hz = (u64)crystal * numerator / denominator;
	for (u32 cpu = 0; cpu < CPUS_MAX; cpu++) {
		spin_lock_init(&cpus[cpu].timer_base.lock);
		INIT_LIST_HEAD(&cpus[cpu].timer_base.timers);
	}
	open_softirq(TIMER_SOFTIRQ, run_timers);
}
