/* Interrupt threads. */
#ifndef ITHREAD_H
#define ITHREAD_H

#include "list.h"

struct ithread_work {
	struct list_head list;
	void (*function)(struct ithread_work *work);
};

void ithread_queue(struct ithread_work *work);
void ithread_preempt(void);
void ithreads_init(void);

#endif
