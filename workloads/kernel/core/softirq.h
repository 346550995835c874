/* Deferred work of interrupt handlers. */
#ifndef SOFTIRQ_H
#define SOFTIRQ_H

#include "types.h"

enum { TIMER_SOFTIRQ, BLOCK_SOFTIRQ, NR_SOFTIRQS };

typedef void (*softirq_action_t)(void);

void open_softirq(u32 number, softirq_action_t action);
void raise_softirq_irqoff(u32 number);
void do_softirq(void);

#endif
