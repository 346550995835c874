/*
 * W001: one thread submits, another reaps, so that a lost wake-up is never repaired by the next
 * event.
 *
 *     w001 W001i|W001p|W001s|W001c|W001d|W001t|W001ii|W001iii|W001iv s=CPU r=CPU rounds=N
 *     W001i    the reaper acknowledges, then checksums part of the record it received: its way back
 *              to io_getevents takes a varying time while the submitter works on the next event
 *     W001p    the reaper comes straight back, so it is always asleep long before the next event
 *     W001s    the reaper waits a chosen number of cycles: phase=K, or a scan with scan=1 and
 *              lo= hi= step= reps=
 *     W001c    as W001i, with the ring's lines thrown out of the caches before each round
 *     W001d    64 requests in one io_submit, work after each event: only the last one has no next
 *     W001t    as W001i, with a limit of 100 ms to io_getevents, which repairs a lost wake-up
 *     W001ii   the page is not in memory: the request waits, and a kernel thread completes it
 *     W001iii  a raw disk: its interrupt completes the request; meant for a very fast one
 *     W001iv   the same, meant for a slow one, which answers after the submitter's put
 *
 * A round: the submitter waits for the acknowledgement of the last one and submits, and the reaper
 * takes the event. If the acknowledgement does not come within 2^spin polls the reaper has slept
 * through its event. The submitter then sleeps for ever too, so that the machine becomes quiescent
 * with the evidence in place. In a scan it submits one event more instead, which wakes the reaper,
 * notes the phase, and goes on after a round that does not count.
 *
 * pace=1: the reaper waits until about the next completion, also where it works. That is for
 * machines on which a round takes much longer than that work: without it the two never meet.
 *
 * The first wrap of the ring runs like W001p: slots that nobody has touched would come from memory.
 */
#include "w001.h"

struct w001_stats w001_stats;

static u64 setup_megahertz(void);

#include "w001-reaper.h"
#include "w001-submitter.h"

#define LINES_MAX (RECORD_BYTES / CACHE_LINE)
#define CPUID_TSC 0x15

#define ONE .depth = 1, .bytes = RECORD_BYTES
#define WORK .work = true, .lines_min = 8, .lines_max = LINES_MAX
#define PACED .paced = true, .lines_min = 1, .lines_max = 1

static const struct mode modes[] = {
	{ "W001i", "/data", ONE, WORK },
	{ "W001p", "/data", ONE, .lines_min = 1, .lines_max = 1 },
	{ "W001s", "/data", ONE, .scanned = true, .lines_min = 1, .lines_max = 1 },
	{ "W001c", "/data", ONE, WORK, .cold = true },
	{ "W001d", "/data", .depth = BATCH_MAX, .bytes = BATCH_BYTES, .work = true,
	  .lines_min = 1, .lines_max = 8 },
	{ "W001t", "/data", ONE, WORK, .asleep = true, .timeout_ms = 100 },
	{ "W001ii", "/cached/vd0", ONE, PACED, .asleep = true },
	{ "W001iii", "/dev/vd0", ONE, PACED },
	{ "W001iv", "/dev/vd0", ONE, PACED },
};

/* Of the time-stamp counter (SDM Vol. 2A, "CPUID", leaf 15H). */
static u64 setup_megahertz(void)
{
	u32 denominator, numerator, crystal, d;

	asm volatile("cpuid"
		     : "=a"(denominator), "=b"(numerator), "=c"(crystal), "=d"(d)
		     : "a"(CPUID_TSC), "c"(0));
	return denominator ? (u64)crystal * numerator / denominator / 1000000 : 1000;
}

static const struct mode *mode_of(const char *name)
{
	for (u32 i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (same_text(name, modes[i].name))
			return &modes[i];
	die("w001 W001i|W001p|W001s|W001c|W001d|W001t|W001ii|W001iii|W001iv "
	    "s=CPU r=CPU rounds=N\n");
}

static void read_options(void)
{
	const char *name = mini_argc > 1 ? mini_argv[1] : "W001i";
	const struct mode *mode = mode_of(name);
	const char *file = option_string("file", mode->file);

	setup.mode = mode;
	setup.submitter_cpu = option("s", 0);
	setup.reaper_cpu = option("r", 1);
	setup.rounds = option("rounds", 20000);
	setup.seed = option("seed", 1);
	setup.lines_min = option("lines_min", mode->lines_min);
	setup.lines_max = option("lines_max", mode->lines_max);
	setup.phase = option("phase", 0);
	setup.paced = mode->paced || option("pace", 0);
	setup.scan = mode->scanned && option("scan", 0);
	setup.low = option("lo", 0);
	setup.high = option("hi", 8000);
	setup.step = option("step", 8);
	setup.reps = option("reps", 4);
	setup.spins = 1ul << option("spin", setup.scan ? 14 : 20);
	setup.fd = sys_open(file);

	if (setup.submitter_cpu == setup.reaper_cpu)
		die("s= and r= must be different CPUs\n");
	if (!setup.lines_min || setup.lines_min > setup.lines_max || setup.lines_max > LINES_MAX)
		die("lines_min= and lines_max= lie between 1 and %d\n", LINES_MAX);
	if (setup.fd < 0)
		die("%s: error %d (file= names another)\n", file, -setup.fd);
	if (setup.scan) {
		u64 phases;

		if (!setup.step || !setup.reps || setup.high < setup.low)
			die("scan: lo <= hi, step and reps above zero\n");
		phases = (setup.high - setup.low) / setup.step + 1;
		if (phases > W001_PHASES_MAX)
			die("scan: %lu phases, at most %d\n", phases, W001_PHASES_MAX);
		setup.rounds = phases * setup.reps;
		w001_stats.phases = phases;
	}
	w001_stats.magic = W001_STATS_MAGIC;
	w001_stats.version = W001_STATS_VERSION;
	for (u32 i = 0; i < sizeof(w001_stats.mode) - 1 && name[i]; i++)
		w001_stats.mode[i] = name[i];
	w001_stats.submitter_cpu = setup.submitter_cpu;
	w001_stats.reaper_cpu = setup.reaper_cpu;
	w001_stats.rounds_wanted = setup.rounds;
	w001_stats.phase_low = setup.low;
	w001_stats.phase_step = setup.step;
	w001_stats.reps = setup.reps;
}

/* Runs of phases that hung at least once: their bounds, and the sum of their widths. */
static void print_scan(void)
{
	u64 width = 0, hangs = 0;

	for (u64 i = 0; i < w001_stats.phases; i++) {
		u64 from = i, count = 0;

		for (; i < w001_stats.phases && w001_stats.phase_hangs[i]; i++)
			count += w001_stats.phase_hangs[i];
		if (i == from)
			continue;
		print("w001 hang phases %lu to %lu: %lu of %lu rounds\n",
		      setup.low + from * setup.step, setup.low + (i - 1) * setup.step, count,
		      (i - from) * setup.reps);
		width += (i - from) * setup.step;
		hangs += count;
	}
	print("w001 scan lo=%lu hi=%lu step=%lu reps=%lu hangs=%lu width=%lu\n", setup.low,
	      setup.high, setup.step, setup.reps, hangs, width);
}

/* Bins that are not empty, a few on a line: number and count. */
static void print_histogram(void)
{
	for (u32 i = 0; i < W001_HISTOGRAM_BINS; i++)
		if (w001_stats.histogram[i])
			print("w001 bin %u %u\n", i, w001_stats.histogram[i]);
}

int main(void)
{
	struct thread thread;
	u64 warm;
	long error;

	read_options();
	error = sys_io_setup(RING_EVENTS, &setup.ctx);
	if (!error && setup.paced)
		error = sys_io_setup(1, &setup.empty_ctx);
	if (error)
		die("io_setup: error %ld\n", -error);
	if (pin_to_cpu(setup.submitter_cpu) < 0)
		die("CPU %u is not there\n", setup.submitter_cpu);
	for (u32 i = 0; i < 2; i++)
		record[i] = sys_mmap(setup.mode->depth * setup.mode->bytes);
	if (setup.mode->cold)
		cold_init();
	warm = ring()[RING_HEADER_NR] / setup.mode->depth + 1;
	if (setup.mode->depth == 1)
		warm = ring()[RING_HEADER_NR];
	w001_stats.warm_rounds = warm;

	thread_start(&thread, reaper, NULL);
	while (!READ_ONCE(acknowledged.ready))
		sys_sched_yield();
	w001_stats.state = W001_WARMING;
	submitter(warm);
	thread_join(&thread);
	w001_stats.state = W001_DONE;

	if (setup.scan)
		print_scan();
	else
		print_histogram();
	print("w001 %s s=%u r=%u seed=%lu rounds=%lu warm=%lu lines=%lu slow=%lu longest=%lu "
	      "checksum=%lx\n",
	      w001_stats.mode, setup.submitter_cpu, setup.reaper_cpu, setup.seed,
	      w001_stats.rounds, warm, w001_stats.lines, w001_stats.slow_rounds,
	      w001_stats.round_cycles_max, w001_stats.checksum);
	return 0;
}
