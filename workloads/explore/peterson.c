/* Peterson's lock. Each thread says that it wants in, gives the other precedence, and looks whether
 * the other wants in. Without a fence that look can be done while the own wish is still in the
 * store buffer: both look, neither sees the other, both go in. */
#include "explore.h"

volatile int peterson_wants[2], peterson_turn, peterson_count;

inlined void enter(int me, int fenced)
{
	peterson_wants[me] = 1;
	peterson_turn = !me;
	FENCE(fenced);
	while (peterson_wants[!me] && peterson_turn == !me)
		pause();
}

inlined void rounds(int me, int count, int fenced)
{
	for (int i = 0; i < count; i++) {
		enter(me, fenced);
		peterson_count = peterson_count + 1; /* loses one if both are inside */
		peterson_wants[me] = 0;
	}
}

void peterson(int me, int count)
{
	rounds(me, count, 1);
}

void peterson_unfenced(int me, int count)
{
	rounds(me, count, 0);
}
