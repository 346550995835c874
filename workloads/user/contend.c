/*
 * Work that meets: a copy on each CPU, and lines that all of them use.
 *
 *     contend [copies=N] [n=ROUNDS] [share=PERCENT]     ... of the accesses to lines of all
 *     contend lock=1 [copies=N] [n=ROUNDS]              all take one lock, ROUNDS times each
 *
 * A round of the first kind is 100 accesses: the shared ones to random lines, every second a store;
 * the others walk lines of the copy's own. With `lock`, a round adds to a counter under a spin lock
 * (test, then exchange) and then does as much again on its own; the sum is checked.
 */
#include <mini.h>

#define COPIES_MAX 64
#define LINES 64	/* of all */
#define OWN_LINES 128	/* of a copy */
#define ACCESSES 100	/* a round */
#define LOCK_WORK 20

struct line {
	u64 value;
	u64 pad[7];
} LINE_ALIGNED;

struct copy {
	struct line own[OWN_LINES];
	u64 random;
	u64 sum;
	u32 cpu;
	struct thread thread;
};

static struct line shared[LINES], lock, counter;
static struct copy *copies[COPIES_MAX];
static u64 rounds, share, locking;

static void take(void)
{
	while (__atomic_exchange_n(&lock.value, 1, __ATOMIC_ACQUIRE))
		while (READ_ONCE(lock.value))
			asm volatile("pause");
}

static void release(void)
{
	__atomic_store_n(&lock.value, 0, __ATOMIC_RELEASE);
}

static void use_own(struct copy *copy, u64 i)
{
	struct line *line = &copy->own[i % OWN_LINES];

	if (i & 1)
		WRITE_ONCE(line->value, i);
	else
		copy->sum += READ_ONCE(line->value);
}

static void use_shared(struct copy *copy)
{
	u32 draw = random_below(&copy->random, 2 * LINES);
	struct line *line = &shared[draw / 2];

	if (draw & 1)
		WRITE_ONCE(line->value, copy->cpu);
	else
		copy->sum += READ_ONCE(line->value);
}

static void round_of(struct copy *copy, u64 round)
{
	u32 due = 0;

	for (u64 i = 0; i < ACCESSES; i++) {
		due += share;
		if (due >= 100) {
			due -= 100;
			use_shared(copy);
		} else {
			use_own(copy, round * ACCESSES + i);
		}
	}
}

static void locked_round(struct copy *copy, u64 round)
{
	take();
	counter.value++;
	release();
	for (u64 i = 0; i < LOCK_WORK; i++)
		use_own(copy, round + i);
}

static void run(void *argument)
{
	struct copy *copy = argument;

	if (pin_to_cpu(copy->cpu) < 0)
		die("CPU %u is not there\n", copy->cpu);
	copy->random = copy->cpu + 1;
	for (u64 round = 0; round < rounds; round++) {
		if (locking)
			locked_round(copy, round);
		else
			round_of(copy, round);
	}
}

int main(void)
{
	u64 allowed = allowed_cpus();
	u64 wanted = option("copies", COPIES_MAX);
	u32 count = 0;

	rounds = option("n", 1000);
	share = option("share", 5);
	locking = option("lock", 0);
	if (share > 100)
		die("share is in percent\n");
	for (u32 cpu = 0; cpu < 64 && count < wanted; cpu++) {
		if (!(allowed >> cpu & 1))
			continue;
		copies[count] = sys_mmap(sizeof(struct copy));
		copies[count++]->cpu = cpu;
	}
	for (u32 i = 1; i < count; i++)
		thread_start(&copies[i]->thread, run, copies[i]);
	run(copies[0]);
	for (u32 i = 1; i < count; i++)
		thread_join(&copies[i]->thread);
	if (locking && counter.value != count * rounds)
		die("the lock let two in: %lu of %lu\n", counter.value, count * rounds);
	print("contend copies=%u n=%lu share=%lu lock=%lu\n", count, rounds, share, locking);
	return 0;
}
