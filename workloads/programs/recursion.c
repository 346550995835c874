/* Recursion: Ackermann's function, towers, queens, permutations, functions that call each other. */
#include "programs.h"

static u32 calls;

static u32 ackermann(u32 m, u32 n)
{
	calls++;
	if (m == 0)
		return n + 1;
	return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static u64 hanoi(u32 discs, u32 from, u32 to)
{
	u32 other = 3 - from - to;
	u64 moves;

	if (!discs)
		return 0;
	moves = hanoi(discs - 1, from, other);
	moves = moves * 3 + from * 2 + to;
	return moves * 5 + hanoi(discs - 1, other, to);
}

/* Columns and diagonals as sets of bits. */
static u32 queens(u32 size, u32 columns, u32 left, u32 right)
{
	u32 all = (1u << size) - 1, solutions = 0;

	if (columns == all)
		return 1;
	for (u32 places = all & ~(columns | left | right); places; places &= places - 1) {
		u32 place = places & -places;

		solutions += queens(size, columns | place, (left | place) << 1,
				    (right | place) >> 1);
	}
	return solutions;
}

static void permutations(char *text, u32 from, u32 *printed)
{
	if (!text[from]) {
		if (*printed % 7 == 0)
			out("%s ", text);
		++*printed;
		return;
	}
	for (u32 i = from; text[i]; i++) {
		char c = text[i];

		/* Moves the chosen letter to the front and the others up: alphabetical order. */
		memmove(text + from + 1, text + from, i - from);
		text[from] = c;
		permutations(text, from + 1, printed);
		memmove(text + from, text + from + 1, i - from);
		text[i] = c;
	}
}

static bool is_odd(u32 n);

static NOINLINE bool is_even(u32 n)
{
	return n == 0 || is_odd(n - 1);
}

static NOINLINE bool is_odd(u32 n)
{
	return n != 0 && is_even(n - 1);
}

static u64 collatz(u64 n)
{
	return n == 1 ? 0 : 1 + collatz(n & 1 ? 3 * n + 1 : n / 2);
}

static u32 partitions(u32 n, u32 largest)
{
	u32 sum = 0;

	if (n == 0)
		return 1;
	for (u32 part = largest < n ? largest : n; part; part--)
		sum += partitions(n - part, part);
	return sum;
}

void program_recursion(void)
{
	char text[] = "abcde";
	u32 printed = 0;

	out("ackermann %u", ackermann(2, 9));
	out(" in %u calls\n", calls);
	out("hanoi %016lx\n", hanoi(9, 0, 2));
	for (u32 size = 4; size <= 7; size++)
		out("queens %u: %u\n", size, queens(size, 0, 0, 0));
	permutations(text, 0, &printed);
	out("of %u\n", printed);
	out("%d %d\n", is_even(1000), is_odd(1000));
	out("collatz %lu %lu\n", collatz(27), collatz(837799));
	out("partitions %u\n", partitions(24, 24));
}
