/* Shortest ways: Dijkstra with a priority queue, Floyd and Warshall, breadth first in a maze. */
#include "programs.h"

#define NODES 40
#define EDGES 240
#define FAR 1000000

static struct edge {
	u16 to, length;
	s16 next;
} edges[EDGES];

static s16 first[NODES];
static u32 distance[NODES], all[NODES][NODES];

static struct entry {
	u32 distance;
	u16 node;
} queue[EDGES + 1];
static u32 queued;

static void push(u32 length, u16 node)
{
	u32 at = queued++;

	while (at && queue[(at - 1) / 2].distance > length) {
		queue[at] = queue[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	queue[at] = (struct entry){ length, node };
}

static struct entry pop(void)
{
	struct entry top = queue[0], last = queue[--queued];
	u32 at = 0;

	while (2 * at + 1 < queued) {
		u32 child = 2 * at + 1;

		child += child + 1 < queued && queue[child + 1].distance < queue[child].distance;
		if (queue[child].distance >= last.distance)
			break;
		queue[at] = queue[child];
		at = child;
	}
	queue[at] = last;
	return top;
}

static u32 dijkstra(u16 start)
{
	u32 visited = 0;

	for (u32 i = 0; i < NODES; i++)
		distance[i] = FAR;
	distance[start] = 0;
	push(0, start);
	while (queued) {
		struct entry top = pop();

		if (top.distance != distance[top.node])
			continue;
		visited++;
		for (s16 e = first[top.node]; e >= 0; e = edges[e].next) {
			u32 length = top.distance + edges[e].length;

			if (length < distance[edges[e].to]) {
				distance[edges[e].to] = length;
				push(length, edges[e].to);
			}
		}
	}
	return visited;
}

static void make_graph(void)
{
	u64 state = 77;

	for (u32 i = 0; i < NODES; i++) {
		first[i] = -1;
		for (u32 j = 0; j < NODES; j++)
			all[i][j] = i == j ? 0 : FAR;
	}
	for (u32 i = 0; i < EDGES; i++) {
		u16 from = next_random(&state) % (NODES - 1), to = next_random(&state) % NODES;
		u16 length = next_random(&state) % 100 + 1;

		edges[i] = (struct edge){ to, length, first[from] };
		first[from] = i;
		if (from != to && length < all[from][to])
			all[from][to] = length;
	}
}

static void floyd(void)
{
	for (u32 k = 0; k < NODES; k++)
		for (u32 i = 0; i < NODES; i++)
			for (u32 j = 0; j < NODES; j++)
				if (all[i][k] + all[k][j] < all[i][j])
					all[i][j] = all[i][k] + all[k][j];
}

static s32 maze(const char *map, u32 columns, u32 start, u32 goal)
{
	u16 fifo[128], head = 0, tail = 0;
	s16 steps[128];

	memset(steps, 0xff, sizeof(steps));
	steps[start] = 0;
	fifo[tail++] = start;
	while (head != tail) {
		u32 at = fifo[head++];
		const s32 moves[] = { 1, -1, columns, -(s32)columns };

		for (u32 i = 0; i < 4; i++) {
			u32 to = at + moves[i];

			if (map[to] != '#' && steps[to] < 0) {
				steps[to] = steps[at] + 1;
				fifo[tail++] = to;
			}
		}
	}
	return steps[goal];
}

void program_paths(void)
{
	static const char map[] = "############"
				  "#   #      #"
				  "# # # #### #"
				  "# #   #  # #"
				  "# ##### ## #"
				  "#     #    #"
				  "############";
	u32 wrong = 0;

	make_graph();
	floyd();
	for (u32 start = 0; start < NODES; start += 7) {
		u32 visited = dijkstra(start), sum = 0, farthest = 0;

		for (u32 i = 0; i < NODES; i++) {
			wrong += distance[i] != all[start][i] &&
				 !(distance[i] == FAR && all[start][i] >= FAR);
			if (distance[i] < FAR) {
				sum += distance[i];
				farthest = distance[i] > farthest ? distance[i] : farthest;
			}
		}
		out("from %u: %u visited, sum %u, farthest %u\n", start, visited, sum, farthest);
	}
	out("%u wrong\nmaze %d %d\n", wrong, maze(map, 12, 13, 68), maze(map, 12, 70, 44));
}
