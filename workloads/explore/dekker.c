/* Dekker's lock: as Peterson's, but the turn is given away after use and decides only while both
 * want in. */
#include "explore.h"

volatile int dekker_wants[2], dekker_turn, dekker_count;

inlined void once(int me, int fenced)
{
	dekker_wants[me] = 1;
	FENCE(fenced);
	while (dekker_wants[!me]) {
		if (dekker_turn == me)
			continue;
		dekker_wants[me] = 0;
		while (dekker_turn != me)
			pause();
		dekker_wants[me] = 1;
		FENCE(fenced);
	}
	dekker_count = dekker_count + 1;
	dekker_turn = !me;
	dekker_wants[me] = 0;
}

void dekker(int me)
{
	once(me, 1);
}

void dekker_unfenced(int me)
{
	once(me, 0);
}
