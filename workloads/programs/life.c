/* Conway's Life on a torus of 64 columns: sums of neighbours by full adders on whole rows. */
#include "programs.h"

#define ROWS 32

static u64 rotate(u64 x, s32 by)
{
	return x << (by & 63) | x >> (-by & 63);
}

/* Adds the bit plane x to the number whose planes are low, middle and high (saturating at 8). */
static void count(u64 *low, u64 *middle, u64 *high, u64 x)
{
	u64 carry = *low & x, next = *middle & carry;

	*low ^= x;
	*middle ^= carry;
	*high |= next;
}

static void step(u64 *to, const u64 *from)
{
	for (u32 row = 0; row < ROWS; row++) {
		u64 low = 0, middle = 0, high = 0;

		for (s32 dy = -1; dy <= 1; dy++) {
			u64 line = from[(row + dy + ROWS) % ROWS];

			count(&low, &middle, &high, rotate(line, 1));
			count(&low, &middle, &high, rotate(line, -1));
			if (dy)
				count(&low, &middle, &high, line);
		}
		/* Three neighbours, or two and alive. */
		to[row] = middle & ~high & (low | from[row]);
	}
}

static u32 population(const u64 *board)
{
	u32 sum = 0;

	for (u32 row = 0; row < ROWS; row++)
		for (u64 x = board[row]; x; x &= x - 1)
			sum++;
	return sum;
}

static u64 digest(const u64 *board)
{
	u64 sum = 0;

	for (u32 row = 0; row < ROWS; row++)
		sum = rotate(sum, 7) ^ board[row];
	return sum;
}

void program_life(void)
{
	u64 board[ROWS] = { 0 }, next[ROWS];

	/* A glider, and an R-pentomino. */
	board[1] = 0x2;
	board[2] = 0x4;
	board[3] = 0x7;
	board[15] = 3ul << 33;
	board[16] = 3ul << 32;
	board[17] = 1ul << 33;
	for (u32 generation = 0; generation <= 160; generation++) {
		if (generation % 20 == 0)
			out("%3u %3u %016lx\n", generation, population(board), digest(board));
		step(next, board);
		memcpy(board, next, sizeof(board));
	}
	for (u32 row = 12; row < 20; row++) {
		char line[65];

		for (u32 column = 0; column < 64; column++)
			line[column] = board[row] >> column & 1 ? '#' : '.';
		line[64] = 0;
		out("%s\n", line);
	}
}
