/* The shape of every wait queue: the sleeper announces that it sleeps, then looks whether there is
 * still a reason to; the waker makes the reason go away, then looks whether anybody sleeps. If a
 * look overtakes the store before it, the waker sees nobody, and the sleeper sleeps for ever. */
#include "explore.h"

#define RUNNING 0
#define SLEEPING 1

volatile int sleep_state, sleep_ready;

inlined void sleeper(int fenced)
{
	sleep_state = SLEEPING;
	FENCE(fenced);
	if (sleep_ready)
		sleep_state = RUNNING;
	else
		SMPBOX_SLEEP_UNTIL_RUNNING(&sleep_state);
}

inlined void waker(int fenced)
{
	sleep_ready = 1;
	FENCE(fenced);
	if (sleep_state != RUNNING)
		sleep_state = RUNNING;
}

void sleep_wait(void)
{
	sleeper(1);
}

void sleep_wait_unfenced(void)
{
	sleeper(0);
}

void sleep_wake(void)
{
	waker(1);
}

void sleep_wake_unfenced(void)
{
	waker(0);
}

/* Two that take the same two locks in different orders. */
volatile int lock_a, lock_b;

void lock_ab(void)
{
	take_lock(&lock_a);
	take_lock(&lock_b);
	lock_b = 0;
	lock_a = 0;
}

void lock_ba(void)
{
	take_lock(&lock_b);
	take_lock(&lock_a);
	lock_a = 0;
	lock_b = 0;
}

/* What is on a stack is shared when its address is. */
int *volatile lent;

void lend(void)
{
	volatile int mine = 1;

	lent = (int *)&mine;
	while (mine)
		pause();
	lent = 0;
}

void borrow(void)
{
	int *p;

	while (!(p = lent))
		pause();
	*(volatile int *)p = 0;
}

void _start(void)
{
	for (;;)
		;
}
