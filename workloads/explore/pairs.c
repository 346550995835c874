/* The same shape in other systems: publish, then look for a sleeper; enlist, then look for work.
 * Each side needs a full fence, or something locked. The arguments say what it has. */
#include "explore.h"

/* io_uring: an application that submits, a kernel thread that polls and may go to sleep. */
volatile int sq_tail, sq_need_wakeup, sq_lock, sq_asleep = 1;

void sq_submit(enum fence kind)
{
	sq_tail = 1;
	fence(kind);
	if (sq_need_wakeup)
		sq_asleep = 0;
}

/* Under a lock whose release is a plain store, with a fence behind it or not; or by a locked OR. */
void sq_poll(enum fence kind)
{
	if (kind == LOCKED) {
		asm volatile("lock orl $1, %0" : "+m"(sq_need_wakeup) : : "memory", "cc");
	} else {
		take_lock(&sq_lock);
		sq_need_wakeup = 1;
		sq_lock = 0;
		fence(kind);
	}
	if (!sq_tail)
		SMPBOX_SLEEP_UNTIL_RUNNING(&sq_asleep);
}

/* virtio: a driver that adds a buffer, a device that asks to be told of the next one. */
#define NOT_NOW 7

volatile int vq_index, vq_event = NOT_NOW, vq_asleep = 1;

void vq_add(enum fence kind)
{
	vq_index = 1;
	fence(kind);
	if (vq_event == 0)
		vq_asleep = 0;
}

void vq_rearm(enum fence kind)
{
	if (kind == LOCKED)
		xchg(&vq_event, 0);
	else
		vq_event = 0;
	if (vq_index == 0)
		SMPBOX_SLEEP_UNTIL_RUNNING(&vq_asleep);
}

/* An adaptive mutex: its owner, who has just been given a CPU, leaves without a locked instruction
 * when nobody waits; who wants it spins while the owner runs, and else says that it waits. */
volatile int mutex_owned = 1, mutex_waiters, mutex_running, mutex_queue, mutex_asleep = 1;

void mutex_leave(enum fence kind)
{
	mutex_running = 1;
	fence(kind);
	if (!mutex_waiters) {
		mutex_owned = 0;
	} else {
		take_lock(&mutex_queue);
		mutex_owned = 0;
		mutex_waiters = 0;
		mutex_asleep = 0;
		mutex_queue = 0;
	}
	mutex_running = 0;
}

void mutex_block(enum fence kind)
{
	int sleeps = 0;

	take_lock(&mutex_queue);
	if (mutex_owned) {
		if (kind == LOCKED)
			xchg(&mutex_waiters, 1);
		else
			mutex_waiters = 1;
		fence(kind);
		sleeps = !mutex_running && mutex_owned && mutex_waiters;
	}
	mutex_queue = 0;
	if (sleeps)
		SMPBOX_SLEEP_UNTIL_RUNNING(&mutex_asleep);
}
