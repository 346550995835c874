/*
 * W000: threads of one process read and write raw disks asynchronously, in the illumos form, and
 * check each result: no error and another number of bytes than asked for is case 000.
 *
 *     w000 [disks=30] [threads=30] [inflight=30] [completions=20000] [port=shared|own|none]
 *          [sizes=1024|mixed] [think=10000] [stop=1]
 *
 * Thread i is bound to disk i and starts on CPU i, and may migrate. With fewer requests in flight
 * than threads only so many threads work; with more, each keeps several. Before each system
 * call a thread works less than `think` turns of PAUSE, with its data. stop=1 ends at the first
 * wrong result; otherwise the run goes on and counts.
 */
#include <mini.h>
#include <w000-stats.h>

#define THREADS_MAX 64
#define PER_THREAD 4
#define EINTR 4
#define EINPROGRESS 150 /* illumos's */
#define SECTOR 512
#define REGION_SECTORS 4096

struct result {
	s64 aio_return;
	int aio_errno;
	u32 pad;
};

struct aiocb {
	struct result result;
	u64 nbytes;
	u8 *buffer;
	u32 disk, thread;
} LINE_ALIGNED;

struct event {
	u64 object, user;
};

struct worker {
	struct thread thread;
	u32 index;
	u64 random;
	s64 port;
	struct aiocb aiocb[PER_THREAD];
} LINE_ALIGNED;

struct w000_stats w000_stats;

static struct worker workers[THREADS_MAX];
static u64 disks, nr_threads, inflight, completions, think;
static bool mixed, stop_at_first, without_port;
static int fds[THREADS_MAX];
static u32 go, ended;

static void submit(struct worker *worker, struct aiocb *aiocb)
{
	static const u32 sizes[3] = { 512, 1024, 4096 };
	struct {
		u64 resultp;
		s64 port;
		u64 user;
	} args = { (u64)&aiocb->result, worker->port, (u64)aiocb };
	u64 sector = random_below(&worker->random, REGION_SECTORS);
	bool write = random_below(&worker->random, 2);
	long error;

	aiocb->nbytes = mixed ? sizes[random_below(&worker->random, 3)] : 1024;
	WRITE_ONCE(aiocb->result.aio_errno, EINPROGRESS);
	think_below(&worker->random, think);
	error = SYSCALL(400, write, fds[aiocb->disk], aiocb->buffer, aiocb->nbytes, sector * SECTOR,
			&args);
	if (error)
		die("w000: aiorw: error %ld\n", -error);
}

/* Once: the others are still looking at their results. */
static void finish(void)
{
	const struct w000_stats *stats = &w000_stats;

	if (__atomic_exchange_n(&ended, 1, __ATOMIC_SEQ_CST) == 0) {
		print("w000 completions=%lu wrong=%lu zero=%lu other=%lu\n", stats->completions,
		      stats->wrong, stats->zero, stats->other_size);
		if (stats->wrong)
			print("w000 first return=%ld errno=%ld wanted=%lu thread=%lu\n",
			      stats->first_return, stats->first_errno, stats->first_wanted,
			      stats->first_thread);
		sys_exit_group(stats->wrong ? 1 : 0);
	}
	sys_pause();
}

static void check(const struct aiocb *aiocb)
{
	s64 got = READ_ONCE(aiocb->result.aio_return);
	int error = READ_ONCE(aiocb->result.aio_errno);
	u64 number;

	if (error == 0 && got == (s64)aiocb->nbytes)
		return;
	number = __atomic_fetch_add(&w000_stats.wrong, 1, __ATOMIC_SEQ_CST);
	if (error == 0 && got == 0)
		__atomic_fetch_add(&w000_stats.zero, 1, __ATOMIC_SEQ_CST);
	if (error == 0 && (got == 512 || got == 1024 || got == 4096))
		__atomic_fetch_add(&w000_stats.other_size, 1, __ATOMIC_SEQ_CST);
	if (number == 0) {
		w000_stats.first_return = got;
		w000_stats.first_errno = error;
		w000_stats.first_wanted = aiocb->nbytes;
		w000_stats.first_thread = aiocb->thread;
	}
	if (stop_at_first)
		finish();
}

static struct aiocb *reap(struct worker *worker)
{
	struct event event;
	u64 resultp;
	long count;

	if (without_port) {
		if (SYSCALL(403, &resultp))
			sys_pause(); /* the process is going away */
		return (struct aiocb *)resultp; /* the result comes first */
	}
	think_below(&worker->random, think);
	count = SYSCALL(402, worker->port, &event, 1, 1);
	if (count == -EINTR)
		sys_pause(); /* the process is going away */
	if (count != 1)
		die("w000: port_getn: %ld\n", count);
	return (struct aiocb *)event.user;
}

static void run(void *argument)
{
	struct worker *worker = argument;
	u64 mine = inflight / nr_threads + (worker->index < inflight % nr_threads);

	bind_softly(worker->index);
	while (!READ_ONCE(go))
		sys_futex_wait(&go, 0);
	for (u64 i = 0; i < mine; i++) {
		struct aiocb *aiocb = &worker->aiocb[i];

		aiocb->buffer = sys_mmap(4096);
		aiocb->disk = worker->index % disks;
		aiocb->thread = worker->index;
		submit(worker, aiocb);
	}
	/* Whoever reaps checks and submits again, so as many stay in flight. */
	while (mine) {
		struct aiocb *aiocb = reap(worker);
		u64 done = __atomic_add_fetch(&w000_stats.completions, 1, __ATOMIC_SEQ_CST);

		check(aiocb);
		if (done >= completions)
			finish();
		submit(worker, aiocb);
	}
	sys_pause();
}

int main(void)
{
	static char path[] = "/dev/vd00";
	const char *port = option_string("port", "shared");

	disks = option("disks", 30);
	nr_threads = option("threads", 30);
	inflight = option("inflight", 30);
	completions = option("completions", 20000);
	think = option("think", 10000);
	mixed = same_text(option_string("sizes", "1024"), "mixed");
	stop_at_first = option("stop", 1);
	without_port = same_text(port, "none");
	if (!disks || !nr_threads || nr_threads > THREADS_MAX || inflight > nr_threads * PER_THREAD)
		die("w000: threads= 1 to %u, inflight= at most %u each\n", THREADS_MAX, PER_THREAD);
	for (u32 disk = 0; disk < disks; disk++) {
		char *digit = path + 7;

		if (disk >= 10)
			*digit++ = '0' + disk / 10;
		*digit++ = '0' + disk % 10;
		*digit = 0;
		fds[disk] = sys_open(path);
		if (fds[disk] < 0)
			die("w000: %s: error %d\n", path, -fds[disk]);
	}
	for (u32 i = 0; i < nr_threads; i++) {
		struct worker *worker = &workers[i];

		worker->index = i;
		worker->random = option("seed", 1) * 1000003 + i;
		worker->port = -1;
		if (!without_port && i && same_text(port, "shared"))
			worker->port = workers[0].port;
		else if (!without_port)
			worker->port = SYSCALL(401);
		thread_start(&worker->thread, run, worker);
	}
	__atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
	sys_futex_wake(&go, nr_threads);
	thread_join(&workers[0].thread);
	sys_pause();
	return 0;
}
