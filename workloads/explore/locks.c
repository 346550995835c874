/* Locks of locked instructions, which drain the store buffer themselves: a ticket lock and an MCS
 * lock. The broken ones do the same without LOCK, so that two CPUs can take one ticket, or one
 * place in the queue. */
#include "explore.h"

volatile int ticket_next, ticket_serving, ticket_count;

inlined void ticket_once(int atomic)
{
	int mine = 1;

	if (atomic)
		asm volatile("lock; xaddl %0, %1" : "+r"(mine), "+m"(ticket_next) : : "memory");
	else
		asm volatile("xaddl %0, %1" : "+r"(mine), "+m"(ticket_next) : : "memory");
	while (ticket_serving != mine)
		pause();
	ticket_count = ticket_count + 1;
	ticket_serving = mine + 1; /* stores are seen in order: no fence */
}

void ticket(void)
{
	ticket_once(1);
}

void ticket_unlocked(void)
{
	ticket_once(0);
}

struct mcs_node {
	struct mcs_node *volatile next;
	volatile int waiting;
};

struct mcs_node *volatile mcs_tail;
struct mcs_node mcs_nodes[4];
volatile int mcs_count;

inlined struct mcs_node *swap_tail(struct mcs_node *to, int atomic)
{
	if (atomic) {
		asm volatile("xchgq %0, %1" : "+r"(to), "+m"(mcs_tail) : : "memory");
		return to;
	}
	struct mcs_node *before = mcs_tail;

	mcs_tail = to;
	return before;
}

inlined void mcs_once(int me, int atomic)
{
	struct mcs_node *node = &mcs_nodes[me];
	struct mcs_node *before;

	node->next = 0;
	node->waiting = 1;
	before = swap_tail(node, atomic);
	if (before) {
		before->next = node;
		while (node->waiting)
			pause();
	}
	mcs_count = mcs_count + 1;
	if (!node->next) {
		struct mcs_node *expected = node;

		asm volatile("lock; cmpxchgq %2, %1"
			     : "+a"(expected), "+m"(mcs_tail)
			     : "r"(0L)
			     : "memory");
		if (expected == node)
			return;
		while (!node->next)
			pause();
	}
	node->next->waiting = 0;
}

void mcs(int me)
{
	mcs_once(me, 1);
}

void mcs_unlocked(int me)
{
	mcs_once(me, 0);
}
