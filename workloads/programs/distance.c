/* Dynamic programming: edit distance, longest common subsequence, knapsack, coin change. */
#include "programs.h"

#define LENGTH 40

static u32 minimum(u32 a, u32 b)
{
	return a < b ? a : b;
}

static u32 maximum(u32 a, u32 b)
{
	return a > b ? a : b;
}

static u32 edit_distance(const char *a, const char *b)
{
	u8 row[LENGTH + 1];
	u32 columns = text_length(b);

	for (u32 j = 0; j <= columns; j++)
		row[j] = j;
	for (u32 i = 1; a[i - 1]; i++) {
		u8 diagonal = row[0];

		row[0] = i;
		for (u32 j = 1; j <= columns; j++) {
			u8 above = row[j];
			u32 change = diagonal + (a[i - 1] != b[j - 1]);

			row[j] = minimum(change, minimum(above, row[j - 1]) + 1);
			diagonal = above;
		}
	}
	return row[columns];
}

static void common_subsequence(const char *a, const char *b, char *to)
{
	static u16 length[LENGTH + 1][LENGTH + 1];
	u32 n = text_length(a), m = text_length(b), i, j, at;

	for (i = n + 1; i--;) {
		for (j = m + 1; j--;) {
			if (i == n || j == m)
				length[i][j] = 0;
			else if (a[i] == b[j])
				length[i][j] = length[i + 1][j + 1] + 1;
			else
				length[i][j] = maximum(length[i + 1][j], length[i][j + 1]);
		}
	}
	for (i = j = at = 0; i < n && j < m;) {
		if (a[i] == b[j]) {
			to[at++] = a[i];
			i++, j++;
		} else if (length[i + 1][j] >= length[i][j + 1]) {
			i++;
		} else {
			j++;
		}
	}
	to[at] = 0;
}

static u32 knapsack(const u8 (*items)[2], u32 count, u32 capacity)
{
	u32 best[200] = { 0 };

	for (u32 i = 0; i < count; i++)
		for (u32 c = capacity; c >= items[i][0]; c--)
			best[c] = maximum(best[c], best[c - items[i][0]] + items[i][1]);
	return best[capacity];
}

static u64 coin_ways(u32 amount)
{
	static const u8 coins[] = { 1, 2, 5, 10, 20, 50, 100, 200 };
	static u64 ways[1001];

	ways[0] = 1;
	for (u32 i = 0; i < ARRAY_SIZE(coins); i++)
		for (u32 sum = coins[i]; sum <= amount; sum++)
			ways[sum] += ways[sum - coins[i]];
	return ways[amount];
}

void program_distance(void)
{
	static const char *const words[] = { "kitten", "sitting", "clovertown", "woodcrest",
					     "harpertown", "", "store buffer", "restore buffets" };
	static const u8 items[][2] = { { 12, 4 },  { 2, 2 },   { 1, 1 },  { 4, 10 }, { 1, 2 },
				       { 33, 41 }, { 20, 25 }, { 7, 13 }, { 9, 9 },  { 50, 77 } };
	char common[LENGTH];

	for (u32 i = 0; i < ARRAY_SIZE(words); i++) {
		for (u32 j = 0; j < ARRAY_SIZE(words); j++)
			out("%3u", edit_distance(words[i], words[j]));
		common_subsequence(words[i], words[(i + 1) % ARRAY_SIZE(words)], common);
		out(" [%s]\n", common);
	}
	for (u32 capacity = 10; capacity <= 100; capacity += 30)
		out("%u ", knapsack(items, ARRAY_SIZE(items), capacity));
	out("%lu\n", coin_ways(1000));
}
