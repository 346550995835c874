/*
 * Data that the CPUs of `cpus` (a mask in decimal) read from memory at the same time: each reads
 * every line of a buffer of its own that no cache has.
 *
 *     bandwidth cpus=MASK [kib=KIB]
 *
 * Prints bytes and cycles of all of them together.
 */
#include "../user/pair.h"

#define LINE 64
#define CPUS 64

static struct thread threads[CPUS];
static u64 begin[CPUS], end[CPUS];
static u32 ready, cpus;
static u64 bytes;

static void read_all(void *argument)
{
	u64 cpu = (u64)argument;
	u8 *buffer = sys_mmap(bytes);

	if (pin_to_cpu(cpu) < 0)
		die("CPU %lu is not there\n", cpu);
	if ((s64)buffer < 0 && (s64)buffer > -4096)
		die("no memory for %lu KiB\n", bytes / 1024);
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	/* A thread that is not yet where it belongs may need this CPU to get there. */
	while (__atomic_load_n(&ready, __ATOMIC_RELAXED) < cpus)
		sys_sched_yield();
	begin[cpu] = rdtsc();
	for (u64 i = 0; i < bytes; i += LINE)
		(void)READ_ONCE(*(u64 *)(buffer + i));
	end[cpu] = rdtsc();
}

int main(void)
{
	u64 mask = option("cpus", 1), first = ~0ull, last = 0;

	bytes = option("kib", 1024) * 1024;
	for (u64 cpu = 0; cpu < CPUS; cpu++)
		cpus += mask >> cpu & 1;
	for (u64 cpu = 0; cpu < CPUS; cpu++)
		if (mask >> cpu & 1)
			thread_start(&threads[cpu], read_all, (void *)cpu);
	for (u64 cpu = 0; cpu < CPUS; cpu++) {
		if (!(mask >> cpu & 1))
			continue;
		thread_join(&threads[cpu]);
		if (begin[cpu] < first)
			first = begin[cpu];
		if (end[cpu] > last)
			last = end[cpu];
	}
	print("bandwidth bytes=%lu cycles=%lu\n", cpus * bytes, last - first);
	return 0;
}
