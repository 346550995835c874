/*
 * False sharing: one side counts what it received, the other what it sent, and both counters are in
 * one line; or, with apart=1, in lines of their own.
 *
 *     sharing [a=CPU b=CPU] [n=ROUNDS] [apart=0|1]
 *
 * Prints the cycles of a round on each side.
 */
#include "../user/pair.h"

static struct {
	u64 received;
	u64 sent;
	u64 pad[6];
} near LINE_ALIGNED;

static struct {
	u64 received LINE_ALIGNED;
	u64 sent LINE_ALIGNED;
} far LINE_ALIGNED;

static u64 rounds;
static u64 apart;
static struct {
	u64 cycles;
	u64 pad[7];
} took[2] LINE_ALIGNED;

static void count(volatile u64 *counter, u64 n)
{
	for (u64 i = 0; i < n; i++)
		*counter = *counter + 1;
}

static void side(u32 number)
{
	u64 n = rounds;
	u64 begin = rdtsc();

	if (number == 0)
		count(apart ? &far.received : &near.received, n);
	else
		count(apart ? &far.sent : &near.sent, n);
	took[number].cycles = rdtsc() - begin;
}

int main(void)
{
	rounds = option("n", 10000);
	apart = option("apart", 0);
	if (!rounds || apart > 1)
		die("n must be above zero, apart 0 or 1\n");
	run_pair(option("a", 0), option("b", 2), side);
	print("sharing apart=%lu %lu %lu\n", apart, took[0].cycles / rounds,
	      took[1].cycles / rounds);
	return 0;
}
