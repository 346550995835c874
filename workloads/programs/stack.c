/* The stack: arrays of variable length, alloca, large frames, the red zone, deep calls. */
#include "programs.h"

static NOINLINE u64 variable_array(u32 count)
{
	u32 a[count];
	u64 sum = 0;

	for (u32 i = 0; i < count; i++)
		a[i] = i * i ^ count;
	for (u32 i = count; i--;)
		sum = sum * 31 + a[i];
	return sum;
}

static NOINLINE u64 table_of(u32 rows, u32 columns)
{
	u16 t[rows][columns];
	u64 sum = 0;

	for (u32 i = 0; i < rows; i++)
		for (u32 j = 0; j < columns; j++)
			t[i][j] = i && j ? t[i - 1][j] + t[i][j - 1] : 1;
	for (u32 i = 0; i < rows; i++)
		sum = sum * 3 + t[i][columns - 1];
	return sum + sizeof(t);
}

struct link {
	struct link *next;
	u32 value;
};

static NOINLINE u32 chain(u32 count)
{
	struct link *head = NULL;
	u32 sum = 0;

	for (u32 i = 0; i < count; i++) {
		struct link *link = __builtin_alloca(sizeof(*link) + i);

		link->next = head;
		link->value = i;
		head = link;
	}
	for (u32 weight = 1; head; head = head->next, weight++)
		sum += head->value * weight;
	return sum;
}

static NOINLINE u64 large_frame(u64 seed)
{
	volatile u8 frame[20000];
	u64 sum = 0;

	for (u32 i = 0; i < sizeof(frame); i += 97)
		frame[i] = seed + i;
	for (u32 i = 0; i < sizeof(frame); i += 97)
		sum = sum * 5 + frame[i];
	return sum;
}

/* A leaf that keeps its variables below the stack pointer. */
static NOINLINE u64 red_zone(u64 a, u64 b)
{
	volatile u64 x[6];

	for (u32 i = 0; i < 6; i++)
		x[i] = a * i + b;
	return x[5] - x[1] + x[3] * x[2];
}

static NOINLINE u32 descend(u32 depth, const u32 *above)
{
	u32 here[4] = { depth, *above, depth * *above, 7 };

	return depth ? descend(depth - 1, &here[depth % 4]) + here[1] : here[2] + here[3];
}

static NOINLINE u64 many_arguments(u8 a, u16 b, u32 c, u64 d, s8 e, s16 f, s32 g, s64 h, bool i,
				   u8 j)
{
	return a + b * 2 + c * 3 + d * 5 + e * 7 + f * 11 + g * 13 + h * 17 + i * 19 + j * 23;
}

void program_stack(void)
{
	u32 start = 3;

	for (u32 count = 1; count <= 1000; count *= 10)
		out("%016lx ", variable_array(count));
	out("\n%lu %lu\n", table_of(5, 6), table_of(12, 9));
	out("%u %u\n", chain(3), chain(60));
	out("%016lx\n", large_frame(9));
	out("%lx\n", red_zone(0x123456789, 0xabcdef));
	out("%u\n", descend(400, &start));
	out("%lu\n", many_arguments(255, 65535, ~0u, 1, -1, -2, -3, -4, true, 200));
}
