/*
 * The integer benchmark: a fixed amount of private work per copy, one copy per CPU that the
 * program may use.
 *
 *     bench [copies=N] [scale=N]     scale 1 is 7.5 million instructions a copy
 *
 * A pass walks a linked list in scattered order, multiplies two matrices, runs a state machine
 * over text, and takes a CRC-32, over some 130 KiB. Copies share nothing but code, so their speed
 * together is what the machine (or the emulator) does in parallel. The checksum depends only on
 * scale.
 */
#include <mini.h>

#define COPIES_MAX 64
#define NODES 1024	/* one cache line each */
#define MATRIX 24
#define TEXT_BYTES 16384
#define STATES 8

struct node {
	struct node *next;
	u64 value;
	u64 pad[6];
};

struct work {
	struct node nodes[NODES];
	u32 a[MATRIX][MATRIX], b[MATRIX][MATRIX], c[MATRIX][MATRIX];
	u8 text[TEXT_BYTES];
	u8 machine[STATES][256];
	u32 crc_table[256];
	u64 random;
	u64 sum;
	u32 cpu;
	struct thread thread;
};

static struct work *copies[COPIES_MAX];
static u64 scale;

static void build_list(struct work *work)
{
	static const u32 stride = 389; /* coprime to NODES: visits all, in no order that helps */
	u32 at = 0;

	for (u32 i = 0; i < NODES; i++) {
		u32 next = (at + stride) % NODES;

		work->nodes[at].next = &work->nodes[next];
		work->nodes[at].value = at;
		at = next;
	}
}

static void build(struct work *work)
{
	work->random = 1;
	build_list(work);
	for (u32 i = 0; i < MATRIX; i++) {
		for (u32 j = 0; j < MATRIX; j++) {
			work->a[i][j] = random_below(&work->random, 1000);
			work->b[i][j] = random_below(&work->random, 1000);
		}
	}
	for (u32 i = 0; i < TEXT_BYTES; i++)
		work->text[i] = random_below(&work->random, 256);
	for (u32 state = 0; state < STATES; state++)
		for (u32 byte = 0; byte < 256; byte++)
			work->machine[state][byte] = random_below(&work->random, STATES);
	for (u32 byte = 0; byte < 256; byte++) {
		u32 crc = byte;

		for (u32 bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
		work->crc_table[byte] = crc;
	}
}

static u64 walk_list(struct work *work)
{
	struct node *node = work->nodes;
	u64 sum = 0;

	for (u32 i = 0; i < NODES; i++) {
		sum += node->value++;
		node = node->next;
	}
	return sum;
}

static u64 multiply(struct work *work)
{
	u64 trace = 0;

	for (u32 i = 0; i < MATRIX; i++) {
		for (u32 j = 0; j < MATRIX; j++) {
			u32 sum = 0;

			for (u32 k = 0; k < MATRIX; k++)
				sum += work->a[i][k] * work->b[k][j];
			work->c[i][j] = sum;
		}
		trace += work->c[i][i];
	}
	work->a[0][0]++;
	return trace;
}

static u64 run_machine(struct work *work)
{
	u64 visits[STATES] = { 0 }, sum = 0;
	u32 state = 0;

	for (u32 i = 0; i < TEXT_BYTES; i++) {
		state = work->machine[state][work->text[i]];
		/* One branch that is hard to predict, and stores that are not. */
		if (state & 1)
			visits[state]++;
		else
			work->text[i] ^= state;
	}
	for (u32 i = 0; i < STATES; i++)
		sum = sum * 31 + visits[i];
	return sum;
}

static u64 crc(const struct work *work)
{
	u32 crc = ~0u;

	for (u32 i = 0; i < TEXT_BYTES; i++)
		crc = crc >> 8 ^ work->crc_table[(crc ^ work->text[i]) & 255];
	return crc ^ ~0u;
}

static void run(void *argument)
{
	struct work *work = argument;
	u64 sum = 0;

	if (pin_to_cpu(work->cpu) < 0)
		die("CPU %u is not there\n", work->cpu);
	build(work);
	for (u64 pass = 0; pass < scale * 16; pass++) {
		sum = sum * 31 + walk_list(work);
		sum = sum * 31 + multiply(work);
		sum = sum * 31 + run_machine(work);
		sum = sum * 31 + crc(work);
	}
	work->sum = sum;
}

int main(void)
{
	u64 allowed = allowed_cpus();
	u64 wanted = option("copies", COPIES_MAX);
	u32 count = 0;

	scale = option("scale", 4);
	for (u32 cpu = 0; cpu < 64 && count < wanted; cpu++) {
		struct work *work;

		if (!(allowed >> cpu & 1))
			continue;
		work = sys_mmap(sizeof(*work));
		work->cpu = cpu;
		copies[count++] = work;
	}
	/* The first copy runs in this thread, so that a single copy needs no other. */
	for (u32 i = 1; i < count; i++)
		thread_start(&copies[i]->thread, run, copies[i]);
	run(copies[0]);
	for (u32 i = 1; i < count; i++)
		thread_join(&copies[i]->thread);

	for (u32 i = 1; i < count; i++)
		if (copies[i]->sum != copies[0]->sum)
			die("copy %u: checksum %lx, copy 0: %lx\n", i, copies[i]->sum,
			    copies[0]->sum);
	print("bench copies=%u scale=%lu checksum=%lx\n", count, scale, copies[0]->sum);
	return 0;
}
