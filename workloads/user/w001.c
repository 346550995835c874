/*
 * W001: one thread submits, another reaps, one event at a time, so that every event is the last
 * one and a lost wake-up is never repaired by the next.
 *
 *     w001 W001i|W001p|W001s s=CPU r=CPU rounds=N [file=/data]
 *     W001i   the reaper acknowledges, then checksums part of the record it received: its way back
 *             to io_getevents takes a varying time while the submitter works on the next event
 *     W001p   the reaper comes straight back, so it is always asleep long before the next event
 *     W001s   the reaper waits a chosen number of cycles: phase=K, or a scan with scan=1 and
 *             lo= hi= step= reps=
 *
 * A round: the submitter waits for the acknowledgement of the last one, submits a read of 4 KiB
 * that completes inside io_submit, and the reaper takes its event. If the acknowledgement does
 * not come within 2^spin polls the reaper has slept through its event. The submitter then sleeps
 * for ever too, so that the machine becomes quiescent with the evidence in place. In a scan it
 * submits one event more instead, which wakes the reaper, notes the phase, and goes on after a
 * round that does not count.
 *
 * The first wrap of the ring runs like W001p: slots that nobody has touched would come from memory.
 */
#include <mini.h>
#include <smpbox.h>
#include <w001-stats.h>

#define RECORD_BYTES 4096
#define RECORD_LINES (RECORD_BYTES / CACHE_LINE)
#define FILE_RECORDS 16
#define RING_EVENTS 125	    /* asks for one page of ring */
#define RING_HEADER_NR 1    /* u32 index of the ring's `nr` */
#define REPAIR (~0ul)	    /* aio_data of an event that only wakes the reaper */
#define PATIENCE (1ul << 20) /* polls before the submitter gives up */

struct w001_stats w001_stats;

enum mode { INDEPENDENT, LOCKED, SCANNED };

static struct {
	enum mode mode;
	u32 submitter_cpu, reaper_cpu;
	u32 lines_min, lines_max;
	u64 rounds, spins;
	u64 phase, low, high, step, reps;
	bool scan;
	u64 seed;
	int fd;
	u64 ctx;
} setup;

/* Written by the reaper, polled by the submitter: events acknowledged. */
static struct {
	u64 rounds;
	u32 ready;
} acknowledged LINE_ALIGNED;

/* Written by the submitter before an event, read by the reaper after it. */
static struct {
	u64 delay; /* cycles to wait before the next io_getevents */
	u32 work;  /* 1: checksum the record instead              */
	u32 last;  /* 1: no event comes after this one            */
} plan LINE_ALIGNED;

static u8 record[2][RECORD_BYTES] __attribute__((aligned(4096)));
static struct iocb request LINE_ALIGNED;

/* Takes `cycles` cycles more than delay(0) does, where an instruction takes one: an odd number by
 * one NOP, the rest by a loop of two instructions. */
static __attribute__((noinline)) void delay(u64 cycles)
{
	asm volatile("	shr %0\n"
		     "	jnc 1f\n"
		     "	nop\n"
		     "1:	inc %0\n"
		     "2:	dec %0\n"
		     "	jnz 2b\n"
		     : "+r"(cycles)
		     :
		     : "cc");
}

/*
 * The reaper's work after an acknowledgement. Its cost a line is chosen so that the work of 8 to 64
 * lines spreads over twice the time from the acknowledgement to the next tail store, on every pair:
 * then the reaper comes back before that store in a fair share of the rounds and after it in the
 * others.
 */
static __attribute__((noinline)) u64 checksum(u64 sum, const u8 *from, u32 lines)
{
	const u64 *word = (const u64 *)from;

	for (u32 i = 0; i < lines * CACHE_LINE / sizeof(*word); i++) {
		sum = (sum ^ READ_ONCE(word[i])) * 0x9e3779b97f4a7c15;
		sum ^= sum >> 29;
		sum += sum << 7;
		sum = sum << 23 | sum >> 41;
	}
	return sum;
}

/* ---- The reaper ---- */

static void reap(struct io_event *event)
{
	long got;

	do {
		got = sys_io_getevents(setup.ctx, 1, 1, event);
		if (got != 1)
			die("io_getevents: %ld\n", got);
	} while (event->data == REPAIR);
	if (event->res != RECORD_BYTES)
		die("event %lu has result %ld\n", event->data, event->res);
}

static void reaper(void *unused)
{
	u64 random = setup.seed * 2654435761 + 1;
	u64 sum = 0, lines_total = 0;

	(void)unused;
	if (pin_to_cpu(setup.reaper_cpu) < 0)
		die("CPU %u is not there\n", setup.reaper_cpu);
	WRITE_ONCE(acknowledged.ready, 1);

	for (u64 round = 0;; round++) {
		const u8 *data = record[round & 1];
		struct io_event event;
		bool work, last;
		u64 cycles;
		u32 lines;

		reap(&event);
		if (event.data != round)
			die("round %lu: event %lu\n", round, event.data);
		cycles = READ_ONCE(plan.delay);
		work = READ_ONCE(plan.work);
		last = READ_ONCE(plan.last);
		lines = setup.lines_min +
			random_below(&random, setup.lines_max - setup.lines_min + 1);
		w001_stats.reaped = round + 1;

		MARK_POINT(ACK);
		WRITE_ONCE(acknowledged.rounds, round + 1);
		if (last)
			break;
		if (work) {
			sum = checksum(sum, data, lines);
			lines_total += lines;
		} else {
			delay(cycles);
		}
	}
	w001_stats.checksum = sum;
	w001_stats.lines = lines_total;
}

/* ---- The submitter ---- */

static void submit(u64 round, u64 data)
{
	struct iocb *list = &request;
	long submitted;

	request.aio_data = data;
	request.aio_lio_opcode = IOCB_CMD_PREAD;
	request.aio_fildes = setup.fd;
	request.aio_buf = (u64)record[round & 1];
	request.aio_nbytes = RECORD_BYTES;
	request.aio_offset = round % FILE_RECORDS * RECORD_BYTES;
	submitted = sys_io_submit(setup.ctx, 1, &list);
	if (submitted != 1)
		die("io_submit: %ld\n", submitted);
}

static bool wait_acknowledged(u64 rounds, u64 spins)
{
	while (spins--)
		if (READ_ONCE(acknowledged.rounds) >= rounds)
			return true;
	return false;
}

static __attribute__((noreturn)) void give_up(void)
{
	MARK_POINT(GIVEUP);
	w001_stats.give_ups++;
	w001_stats.state = W001_GAVE_UP;
	for (;;)
		sys_pause();
}

/* What the reaper does between two rounds, and whether the second one counts. */
struct step {
	u64 delay;
	bool work;
	bool counts;
	u64 phase; /* index, in a scan */
};

/* The step before counted round `number`. */
static struct step counted_step(u64 number)
{
	struct step step = { .counts = true };

	if (setup.mode == INDEPENDENT) {
		step.work = true;
	} else if (setup.mode == SCANNED) {
		step.phase = setup.scan ? number / setup.reps : 0;
		step.delay = setup.scan ? setup.low + step.phase * setup.step : setup.phase;
	}
	return step;
}

/* A round in a scan whose event the reaper has slept through. */
static void repair(u64 round, const struct step *step)
{
	w001_stats.give_ups++;
	if (step->counts)
		w001_stats.phase_hangs[step->phase]++;
	submit(round, REPAIR);
	if (!wait_acknowledged(round + 1, PATIENCE))
		give_up();
}

static void submitter(u64 warm)
{
	struct step step = { 0 }, next;
	u64 planned = 0, done = 0;

	for (u64 round = 0; done < setup.rounds; round++) {
		bool settle = false;

		next = (struct step){ 0 };
		if (round + 1 >= warm && planned < setup.rounds)
			next = counted_step(planned++);
		w001_stats.round = round;
		w001_stats.delay = step.delay;
		WRITE_ONCE(plan.delay, next.delay);
		WRITE_ONCE(plan.work, next.work);
		WRITE_ONCE(plan.last, done + step.counts == setup.rounds);

		MARK_POINT(ROUND);
		submit(round, round);
		if (!wait_acknowledged(round + 1, setup.spins)) {
			if (!setup.scan)
				give_up();
			repair(round, &step);
			settle = true;
		}
		done += step.counts;
		w001_stats.rounds = done;
		if (round + 1 == warm)
			w001_stats.state = W001_COUNTING;
		step = next;
		/* The reaper has one event more to throw away: its next way here is not the
		 * planned one. */
		if (settle && step.counts) {
			planned--;
			step.counts = false;
		}
	}
}

/* ---- Setting up and summing up ---- */

static enum mode mode_of(const char *name)
{
	if (same_text(name, "W001i"))
		return INDEPENDENT;
	if (same_text(name, "W001p"))
		return LOCKED;
	if (same_text(name, "W001s"))
		return SCANNED;
	die("w001 W001i|W001p|W001s s=CPU r=CPU rounds=N\n");
}

static void read_options(void)
{
	const char *name = mini_argc > 1 ? mini_argv[1] : "W001i";
	const char *file = option_string("file", "/data");

	setup.mode = mode_of(name);
	setup.submitter_cpu = option("s", 0);
	setup.reaper_cpu = option("r", 1);
	setup.rounds = option("rounds", 20000);
	setup.seed = option("seed", 1);
	setup.lines_min = option("lines_min", 8);
	setup.lines_max = option("lines_max", RECORD_LINES);
	setup.phase = option("phase", 0);
	setup.scan = setup.mode == SCANNED && option("scan", 0);
	setup.low = option("lo", 0);
	setup.high = option("hi", 8000);
	setup.step = option("step", 8);
	setup.reps = option("reps", 4);
	setup.spins = 1ul << option("spin", setup.scan ? 14 : 20);
	setup.fd = sys_open(file);

	if (setup.submitter_cpu == setup.reaper_cpu)
		die("s= and r= must be different CPUs\n");
	if (!setup.lines_min || setup.lines_min > setup.lines_max || setup.lines_max > RECORD_LINES)
		die("lines_min= and lines_max= lie between 1 and %d\n", RECORD_LINES);
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

int main(void)
{
	struct thread thread;
	u64 warm;
	long error;

	read_options();
	error = sys_io_setup(RING_EVENTS, &setup.ctx);
	if (error)
		die("io_setup: error %ld\n", -error);
	/* The context's number is the address of the ring. */
	warm = ((const u32 *)setup.ctx)[RING_HEADER_NR];
	w001_stats.warm_rounds = warm;
	if (pin_to_cpu(setup.submitter_cpu) < 0)
		die("CPU %u is not there\n", setup.submitter_cpu);

	thread_start(&thread, reaper, NULL);
	while (!READ_ONCE(acknowledged.ready))
		sys_sched_yield();
	w001_stats.state = W001_WARMING;
	submitter(warm);
	thread_join(&thread);
	w001_stats.state = W001_DONE;

	if (setup.scan)
		print_scan();
	print("w001 %s s=%u r=%u seed=%lu rounds=%lu warm=%lu lines=%lu checksum=%lx\n",
	      w001_stats.mode, setup.submitter_cpu, setup.reaper_cpu, setup.seed,
	      w001_stats.rounds, warm, w001_stats.lines, w001_stats.checksum);
	return 0;
}
