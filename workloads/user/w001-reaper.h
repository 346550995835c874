/* W001: the thread that waits in io_getevents. */
#ifndef W001_REAPER_H
#define W001_REAPER_H

#include "w001.h"

#define SPIN_CYCLES_MAX 1000000 /* longer waits are slept */
#define PACE_STEP 64
#define PACE_SPREAD 8192

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

static void reap(struct io_event *event)
{
	s64 limit[2] = { 0, setup.mode->timeout_ms * 1000000 };
	long got;

	for (;;) {
		got = sys_io_getevents_timed(setup.ctx, 1, 1, event, limit[1] ? limit : NULL);
		if (got == 1 && event->data != REPAIR)
			return;
		if (got != 1 && !(got == 0 && limit[1]))
			die("io_getevents: %ld\n", got);
	}
}

/* Asleep if that is long: nobody submits to that context, so only the time ends it. */
static void pass(u64 cycles)
{
	struct io_event event;

	if (cycles < SPIN_CYCLES_MAX) {
		delay(cycles);
	} else {
		s64 limit[2] = { 0, cycles * 1000 / setup_megahertz() };

		sys_io_getevents_timed(setup.empty_ctx, 1, 1, &event, limit);
	}
}

/*
 * Waits so that the next call meets the next completion: longer when the event was not there yet
 * at the end of the last wait, shorter when it was, in steps that double until the completion is
 * passed, and then halve down to PACE_STEP; plus a random part of PACE_SPREAD cycles.
 */
static void keep_pace(u64 *random)
{
	static u64 pace, step = PACE_STEP;
	static bool passed;
	bool late;

	pass(pace + random_below(random, PACE_SPREAD));
	late = READ_ONCE(ring()[RING_HEADER_HEAD]) != READ_ONCE(ring()[RING_HEADER_TAIL]);
	passed |= late;
	if (!passed)
		step *= 2;
	else if (step > PACE_STEP)
		step /= 2;
	if (!late)
		pace += step;
	else
		pace = pace > step ? pace - step : 0;
}

/* How the reaper's call stood to the submitter's: negative when it came first. */
static void note_phase(u64 called, u64 begun)
{
	s64 phase = (s64)(called - begun) - W001_HISTOGRAM_LOW;
	s64 bin = phase < 0 ? 0 : phase / W001_HISTOGRAM_STEP;

	if (bin >= W001_HISTOGRAM_BINS)
		bin = W001_HISTOGRAM_BINS - 1;
	w001_stats.histogram[bin]++;
}

static void reaper(void *unused)
{
	u64 random = setup.seed * 2654435761 + 1;
	u64 sum = 0, lines_total = 0;
	u32 depth = setup.mode->depth, in_batch = 0;
	bool counts = false;

	(void)unused;
	if (pin_to_cpu(setup.reaper_cpu) < 0)
		die("CPU %u is not there\n", setup.reaper_cpu);
	WRITE_ONCE(acknowledged.ready, 1);

	for (u64 number = 0, round = 0;; number++) {
		const u8 *data = record[round & 1] + in_batch * setup.mode->bytes;
		struct io_event event;
		bool work, last = false;
		u64 called, cycles = 0;
		u32 lines;

		called = rdtsc();
		MARK_POINT(REAP);
		reap(&event);
		if (event.data != number)
			die("event %lu in place of %lu\n", event.data, number);
		if (event.res != setup.mode->bytes)
			die("event %lu has result %ld\n", number, event.res);
		work = depth > 1 ? counts : READ_ONCE(plan.work);
		lines = setup.lines_min +
			random_below(&random, setup.lines_max - setup.lines_min + 1);
		w001_stats.reaped = number + 1;

		if (++in_batch == depth) {
			u64 begun = READ_ONCE(plan.begun);
			bool counted = counts;

			in_batch = 0;
			cycles = READ_ONCE(plan.delay);
			last = READ_ONCE(plan.last);
			counts = READ_ONCE(plan.counts);
			MARK_POINT(ACK);
			WRITE_ONCE(acknowledged.rounds, ++round);
			if (setup.mode->asleep) {
				mfence();
				if (READ_ONCE(submitter_asleep))
					sys_futex_wake((u32 *)&acknowledged.rounds, 1);
			}
			if (counted)
				note_phase(called, begun);
			if (last)
				break;
		}
		if (cycles)
			delay(cycles);
		if (work) {
			sum = checksum(sum, data, lines);
			lines_total += lines;
		}
		if (setup.paced && counts)
			keep_pace(&random);
	}
	w001_stats.checksum = sum;
	w001_stats.lines = lines_total;
}

#endif
