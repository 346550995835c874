/* Things to do after a while. */
#ifndef TIMER_H
#define TIMER_H

#include "../arch/spinlock.h"
#include "list.h"

struct timer_base {
	spinlock_t lock;
	struct list_head timers; /* by time */
	struct timer *running;	 /* whose function is being called */
};

struct timer {
	struct list_head list;
	u64 expires; /* TSC */
	void (*function)(void *data);
	void *data;
	struct timer_base *base; /* while pending */
	struct timer_base *home; /* where it was started last */
};

u64 clock_ns(void);
void timer_setup(struct timer *timer, void (*function)(void *), void *data);
void timer_start(struct timer *timer, u64 ns);
bool timer_cancel(struct timer *timer);
/* When it returns, the function does not run any more. Not from an interrupt or a softirq. */
void timer_cancel_sync(struct timer *timer);
void timer_interrupt(void);
void timers_init(void);

#endif
