/* Work for kernel threads. */
#ifndef WORKQUEUE_H
#define WORKQUEUE_H

#include "timer.h"
#include "wait.h"

struct work {
	struct list_head entry;
	void (*function)(void *data);
	void *data;
	u32 pending;
};

struct worker {
	spinlock_t lock;
	struct list_head works;
	wait_queue_head_t more;
} __cacheline_aligned;

struct workqueue {
	struct worker worker[CPUS_MAX];
};

struct delayed_work {
	struct work work;
	struct timer timer;
	struct workqueue *queue;
};

void workqueue_init(struct workqueue *queue, const char *name);
void init_work(struct work *work, void (*function)(void *), void *data);
bool queue_work(struct workqueue *queue, struct work *work);
void init_delayed_work(struct delayed_work *delayed, void (*function)(void *), void *data);
bool queue_delayed_work(struct workqueue *queue, struct delayed_work *delayed, u64 ns);

#endif
