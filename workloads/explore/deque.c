/* Chase and Lev's work-stealing deque, as far as two items need it. The owner takes from the
 * bottom, a thief from the top; the last item they may both want. The owner lowers `bottom` and
 * then reads `top`: without a fence between the two the thief may still see the old bottom when the
 * owner has seen the old top, and both have the same item. */
#include "explore.h"

volatile long deque_top, deque_bottom;
volatile int deque_items[4], deque_taken[4];

inlined int claim_top(long top)
{
	long expected = top;

	asm volatile("lock; cmpxchgq %2, %1"
		     : "+a"(expected), "+m"(deque_top)
		     : "r"(top + 1)
		     : "memory");
	return expected == top;
}

inlined void take(int fenced)
{
	long bottom = deque_bottom - 1, top;
	int item;

	deque_bottom = bottom;
	FENCE(fenced);
	top = deque_top;
	if (top > bottom) {
		deque_bottom = bottom + 1;
		return;
	}
	item = deque_items[bottom];
	if (top == bottom) {
		int won = claim_top(top);

		deque_bottom = bottom + 1;
		if (!won)
			return;
	}
	deque_taken[item] = deque_taken[item] + 1;
}

inlined void owner(int fenced)
{
	for (int i = 0; i < 2; i++) {
		deque_items[i] = i;
		deque_bottom = i + 1;
	}
	take(fenced);
	take(fenced);
}

void deque_owner(void)
{
	owner(1);
}

void deque_owner_unfenced(void)
{
	owner(0);
}

void deque_thief(void)
{
	for (int i = 0; i < 2; i++) {
		long top = deque_top;
		int item;

		COMPILER_BARRIER();
		if (top >= deque_bottom)
			continue;
		item = deque_items[top];
		if (claim_top(top))
			asm volatile("lock; incl %0" : "+m"(deque_taken[item]) : : "memory");
	}
}

/* No item went to two. */
int deque_ok(void)
{
	return deque_taken[0] <= 1 && deque_taken[1] <= 1;
}
