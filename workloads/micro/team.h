/* Up to four threads, each on a CPU of its own, and a barrier between them. */
#ifndef TEAM_H
#define TEAM_H

#include "../user/pair.h"

#define TEAM_MAX 4

struct line {
	u64 value;
	u64 pad[7];
} LINE_ALIGNED;

static struct {
	u32 sides;
	u32 cpu[TEAM_MAX];
	side_t run;
	struct thread thread[TEAM_MAX];
} team;

static struct line team_arrived[TEAM_MAX];

static inline void team_cpu(u32 side, u32 cpu)
{
	team.cpu[side] = cpu;
}

static void team_side(void *argument)
{
	u32 side = (u64)argument;

	if (pin_to_cpu(team.cpu[side]) < 0)
		die("CPU %u is not there\n", team.cpu[side]);
	team.run(side);
}

/* Runs all sides to their end, side 0 in the calling thread. */
static inline void run_team(u32 sides, side_t run)
{
	for (u32 i = 0; i < sides; i++)
		for (u32 j = 0; j < i; j++)
			if (team.cpu[i] == team.cpu[j])
				die("%u different CPUs are needed\n", sides);
	team.sides = sides;
	team.run = run;
	for (u64 side = 1; side < sides; side++)
		thread_start(&team.thread[side], team_side, (void *)side);
	team_side((void *)0);
	for (u32 side = 1; side < sides; side++)
		thread_join(&team.thread[side]);
}

static inline void team_barrier(u32 side)
{
	u64 mine = team_arrived[side].value + 1;

	WRITE_ONCE(team_arrived[side].value, mine);
	for (u32 other = 0; other < team.sides; other++)
		while (READ_ONCE(team_arrived[other].value) < mine)
			;
}

#endif
