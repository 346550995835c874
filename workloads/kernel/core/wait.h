/* Wait queues: tasks asleep until something happens, and the walk that wakes them. */
#ifndef WAIT_H
#define WAIT_H

#include "task.h"

typedef struct {
	spinlock_t lock;
	struct list_head task_list;
} wait_queue_head_t;

typedef struct wait_queue wait_queue_t;
typedef bool (*wait_queue_func_t)(wait_queue_t *wait, void *key);

#define WQ_FLAG_EXCLUSIVE 1

struct wait_queue {
	u32 flags;
	struct task *private;
	wait_queue_func_t func; /* wakes; true when a sleeping task was made runnable */
	struct list_head task_list;
};

void init_waitqueue_head(wait_queue_head_t *queue);
void init_waitqueue_entry(wait_queue_t *wait, struct task *task);
bool default_wake_function(wait_queue_t *wait, void *key);

void add_wait_queue(wait_queue_head_t *queue, wait_queue_t *wait);
void add_wait_queue_exclusive(wait_queue_head_t *queue, wait_queue_t *wait);
/* The same with the lock released by an exchange. */
void add_wait_queue_exclusive_xchg(wait_queue_head_t *queue, wait_queue_t *wait);
/* The entry and the state INTERRUPTIBLE under one lock. The entry must be initialised as a list. */
void prepare_to_wait_exclusive(wait_queue_head_t *queue, wait_queue_t *wait);
void prepare_to_wait_exclusive_xchg(wait_queue_head_t *queue, wait_queue_t *wait);
void remove_wait_queue(wait_queue_head_t *queue, wait_queue_t *wait);

/* Wakes the waiters in their order, and no further than the first exclusive one that it really
 * woke. The key goes to the waiters' functions; a queue may be that of several things. */
void wake_up(wait_queue_head_t *queue);
void wake_up_key(wait_queue_head_t *queue, void *key);
/* With the queue's lock held. */
void wake_up_locked(wait_queue_head_t *queue, void *key);

#endif
