/* Generators: Mersenne twister (Matsumoto and Nishimura), PCG (O'Neill), a feedback register. */
#include "programs.h"

#define STATE 624
#define MIDDLE 397

static u32 twister[STATE], twister_at;

static void twister_seed(u32 seed)
{
	twister[0] = seed;
	for (u32 i = 1; i < STATE; i++)
		twister[i] = 1812433253u * (twister[i - 1] ^ twister[i - 1] >> 30) + i;
	twister_at = STATE;
}

static u32 twister_next(void)
{
	u32 y;

	if (twister_at == STATE) {
		for (u32 i = 0; i < STATE; i++) {
			y = (twister[i] & 0x80000000) | (twister[(i + 1) % STATE] & 0x7fffffff);
			y = y >> 1 ^ (y & 1 ? 0x9908b0df : 0);
			twister[i] = twister[(i + MIDDLE) % STATE] ^ y;
		}
		twister_at = 0;
	}
	y = twister[twister_at++];
	y ^= y >> 11;
	y ^= y << 7 & 0x9d2c5680;
	y ^= y << 15 & 0xefc60000;
	return y ^ y >> 18;
}

static u32 pcg_next(u64 *state)
{
	u64 old = *state;
	u32 mixed = (old >> 18 ^ old) >> 27, turn = old >> 59;

	*state = old * 6364136223846793005 + 1442695040888963407;
	return mixed >> turn | mixed << (-turn & 31);
}

static u32 lfsr_period(u16 start)
{
	u16 state = start;
	u32 period = 0;

	do {
		state = state >> 1 ^ (-(state & 1) & 0xb400);
		period++;
	} while (state != start);
	return period;
}

/* Lots of dice: how often each sum of two comes. */
static void dice(void)
{
	u32 count[13] = { 0 };

	for (u32 i = 0; i < 2000; i++)
		count[twister_next() % 6 + twister_next() % 6 + 2]++;
	for (u32 i = 2; i <= 12; i++)
		out("%u ", count[i]);
	out("\n");
}

void program_random(void)
{
	u64 state = 42, sum = 0;

	twister_seed(5489); /* the usual seed: 3499211612 is the first output */
	for (u32 i = 0; i < 5; i++)
		out("%u ", twister_next());
	for (u32 i = 5; i < 1999; i++)
		sum += twister_next();
	out("sum %lu last %u\n", sum, twister_next());
	dice();
	for (u32 i = 0; i < 5; i++)
		out("%08x ", pcg_next(&state));
	out("\nperiod %u\n", lfsr_period(0xace1));
	for (u32 i = 0; i < 3; i++)
		out("%016lx ", next_random(&state));
	out("\n");
}
