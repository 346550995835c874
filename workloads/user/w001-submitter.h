/* W001: the thread that submits. */
#ifndef W001_SUBMITTER_H
#define W001_SUBMITTER_H

#include "w001-cold.h"
#include "w001.h"

#define PATIENCE (1ul << 20)    /* polls before it gives up */
#define SLOW_CYCLES 10000000    /* a round that waited for a timer */
#define AWAKE (1ul << 14)	/* polls before it goes to sleep, where it may */

static struct iocb requests[BATCH_MAX] LINE_ALIGNED;

static void submit(u64 round, u64 data)
{
	u32 depth = data == REPAIR ? 1 : setup.mode->depth;
	struct iocb *list[BATCH_MAX];
	long submitted;

	for (u32 i = 0; i < depth; i++) {
		struct iocb *request = &requests[i];

		list[i] = request;
		request->aio_data = data == REPAIR ? REPAIR : data * depth + i;
		request->aio_lio_opcode = IOCB_CMD_PREAD;
		request->aio_fildes = setup.fd;
		request->aio_buf = (u64)record[round & 1] + i * setup.mode->bytes;
		request->aio_nbytes = setup.mode->bytes;
		request->aio_offset = round * setup.mode->bytes % FILE_BYTES;
	}
	WRITE_ONCE(plan.begun, rdtsc());
	MARK_POINT(ROUND);
	submitted = sys_io_submit(setup.ctx, depth, list);
	if (submitted != depth)
		die("io_submit: %ld\n", submitted);
}

static bool wait_acknowledged(u64 rounds, u64 spins)
{
	while (spins--)
		if (READ_ONCE(acknowledged.rounds) >= rounds)
			return true;
	return false;
}

static void sleep_acknowledged(u64 rounds)
{
	u64 seen;

	if (wait_acknowledged(rounds, AWAKE))
		return;
	/* Each side stores, fences, then looks at what the other one stored. */
	WRITE_ONCE(submitter_asleep, 1);
	mfence();
	while ((seen = READ_ONCE(acknowledged.rounds)) < rounds)
		sys_futex_wait((u32 *)&acknowledged.rounds, seen);
	WRITE_ONCE(submitter_asleep, 0);
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
	struct step step = { .counts = true, .work = setup.mode->work };

	if (setup.mode->cold)
		step.delay = w001_stats.evict_cycles;
	if (setup.mode->scanned) {
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

/* Before a round: the reaper waits for as long as this took the last time. */
static void make_cold(void)
{
	u64 start = rdtsc();

	evict_ring();
	w001_stats.evict_cycles = rdtsc() - start;
}

static void submitter(u64 warm)
{
	struct step step = { 0 }, next;
	u64 planned = 0, done = 0;

	for (u64 round = 0; done < setup.rounds; round++) {
		bool settle = false;
		u64 cycles;

		next = (struct step){ 0 };
		if (round + 1 >= warm && planned < setup.rounds)
			next = counted_step(planned++);
		w001_stats.round = round;
		w001_stats.delay = step.delay;
		if (setup.mode->cold && step.counts)
			make_cold();
		WRITE_ONCE(plan.delay, next.delay);
		WRITE_ONCE(plan.work, next.work);
		WRITE_ONCE(plan.last, done + step.counts == setup.rounds);
		WRITE_ONCE(plan.counts, next.counts);

		submit(round, round);
		if (setup.mode->asleep) {
			sleep_acknowledged(round + 1);
		} else if (!wait_acknowledged(round + 1, setup.spins)) {
			if (!setup.scan)
				give_up();
			repair(round, &step);
			settle = true;
		}
		cycles = rdtsc() - plan.begun;
		if (step.counts && cycles > w001_stats.round_cycles_max)
			w001_stats.round_cycles_max = cycles;
		if (step.counts && cycles > SLOW_CYCLES)
			w001_stats.slow_rounds++;
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

#endif
