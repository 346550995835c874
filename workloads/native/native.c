/*
 * Runs the threads of a litmus test on the processor under it: a pthread for each, over many
 * copies of the test. A job file has everything, code and data already at their addresses
 * (src/engine/native-job.ts has the same layout); final states are printed, a line each:
 * a count, then the observed values, all hexadecimal. While it runs, each second a line "# " and
 * the runs so far. SIGINT and SIGTERM end it after the round under way.
 *
 *     native JOB
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef uint8_t u8;
typedef uint64_t u64;

#define THREADS_MAX 64
#define POLLS_MAX 3000	   /* of a counter; then the partner has lost its processor */
#define STATES_MAX 65536
#define IDLE_SECONDS 10	   /* without progress: a thread never ends */
#define EXIT_FAULT 3
#define EXIT_STUCK 4

/* All words of 64 bits; then registers, data, code, affinity, observed values. */
struct job {
	u64 threads, instances, observed, runs, seed;
	u64 data_address, stride, area;	 /* of instance 0; bytes to the next; bytes that are used */
	u64 code_address, code_stride;	 /* of thread 0 of instance 0; bytes to the next thread */
	u64 from;			 /* where the program has its variables */
	u64 code_bytes[THREADS_MAX];
	u64 cpu[THREADS_MAX];		 /* plus one; 0: any */
};

struct observed {
	u64 memory, thread, reg, offset, size;
};

/* What GS points at in each thread. */
struct context {
	u64 registers[16]; /* at the end of a thread of the test */
	u64 rsp, entry;
	u64 *results;	   /* 16 registers per instance */
	u64 number;
	u8 signal_stack[16384] __attribute__((aligned(16)));
	volatile u64 ended; /* instances; of all rounds */
} __attribute__((aligned(64)));

static const struct job *job;
static const u64 *registers;
static const u8 *data, *code;
static const struct observed *observed;

static struct context contexts[THREADS_MAX];
static volatile uint32_t *counters;
static uint32_t *order;
static pthread_barrier_t barrier;
static volatile sig_atomic_t stop_asked;
static volatile int stopped; /* thread 0 writes it before a barrier that all wait at */

static struct state {
	u64 count;
	u64 *values;
} states[STATES_MAX];
static u64 state_count;

void enter(const u64 *initial);
void leave(void);

/* Out of a thread of the test there is no free register: GS has the place to save them all. */
asm(".text\n"
    "enter:\n"
    "	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "	mov %rsp, %gs:128\n"
    "	pushq $0x202\n"
    "	popfq\n"
    "	mov 0(%rdi), %rax; mov 8(%rdi), %rcx; mov 16(%rdi), %rdx; mov 24(%rdi), %rbx\n"
    "	mov 32(%rdi), %rsp; mov 40(%rdi), %rbp; mov 48(%rdi), %rsi\n"
    "	mov 64(%rdi), %r8; mov 72(%rdi), %r9; mov 80(%rdi), %r10; mov 88(%rdi), %r11\n"
    "	mov 96(%rdi), %r12; mov 104(%rdi), %r13; mov 112(%rdi), %r14; mov 120(%rdi), %r15\n"
    "	mov 56(%rdi), %rdi\n"
    "	jmp *%gs:136\n"
    "leave:\n"
    "	mov %rax, %gs:0; mov %rcx, %gs:8; mov %rdx, %gs:16; mov %rbx, %gs:24\n"
    "	mov %rsp, %gs:32; mov %rbp, %gs:40; mov %rsi, %gs:48; mov %rdi, %gs:56\n"
    "	mov %r8, %gs:64; mov %r9, %gs:72; mov %r10, %gs:80; mov %r11, %gs:88\n"
    "	mov %r12, %gs:96; mov %r13, %gs:104; mov %r14, %gs:112; mov %r15, %gs:120\n"
    "	mov %gs:128, %rsp\n"
    "	cld\n"
    "	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "	ret\n");

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static void *map_at(u64 address, u64 bytes)
{
	void *place = mmap((void *)address, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (place != (void *)address)
		fail("memory for the test");
	return place;
}

static void read_job(const char *path)
{
	struct stat stat;
	int file = open(path, O_RDONLY);
	const u8 *at;

	if (file < 0 || fstat(file, &stat) < 0)
		fail(path);
	job = mmap(NULL, stat.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	if (job == MAP_FAILED)
		fail(path);
	at = (const u8 *)(job + 1);
	registers = (const u64 *)at;
	at += job->instances * job->threads * 16 * 8;
	data = at;
	at += job->instances * job->stride;
	code = at;
	at += job->instances * job->threads * job->code_stride;
	observed = (const struct observed *)at;
}

static u8 *code_of(u64 instance, u64 thread)
{
	return (u8 *)job->code_address + (instance * job->threads + thread) * job->code_stride;
}

/* Behind the code of each thread: JMP to the address that follows it. */
static void place_code(void)
{
	static const u8 jump[6] = { 0xff, 0x25 };
	u64 bytes = job->instances * job->threads * job->code_stride;
	u64 exit = (u64)leave;

	memcpy(map_at(job->code_address, bytes), code, bytes);
	for (u64 i = 0; i < job->instances; i++) {
		for (u64 t = 0; t < job->threads; t++) {
			u8 *end = code_of(i, t) + job->code_bytes[t];

			memcpy(end, jump, sizeof(jump));
			memcpy(end + sizeof(jump), &exit, 8);
		}
	}
	if (mprotect((void *)job->code_address, bytes, PROT_READ | PROT_EXEC) < 0)
		fail("mprotect");
}

/* Marsaglia, "Xorshift RNGs". */
static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void prepare(u64 *random)
{
	memcpy((void *)job->data_address, data, job->instances * job->stride);
	for (u64 i = 0; i < job->instances; i++)
		counters[i] = 0;
	for (u64 i = job->instances - 1; i > 0; i--) {
		u64 j = next_random(random) % (i + 1);
		uint32_t other = order[j];

		order[j] = order[i];
		order[i] = other;
	}
}

static u64 observe(const struct observed *what, u64 instance)
{
	u64 base = job->data_address + instance * job->stride;
	u64 value = 0;

	if (what->memory)
		memcpy(&value, (void *)(base + what->offset), what->size);
	else
		memcpy(&value, &contexts[what->thread].results[instance * 16 + what->reg],
		       what->size);
	/* A pointer to a variable, as the program has it. */
	if (what->size >= 4 && value - base < job->area)
		value = value - base + job->from;
	return value;
}

static void count_state(u64 instance)
{
	u64 values[job->observed + 1], hash = 0, slot;

	for (u64 i = 0; i < job->observed; i++) {
		values[i] = observe(&observed[i], instance);
		hash = (hash ^ values[i]) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 29;
	}
	for (slot = hash % STATES_MAX; states[slot].count; slot = (slot + 1) % STATES_MAX)
		if (!memcmp(states[slot].values, values, job->observed * 8))
			break;
	if (!states[slot].count) {
		if (++state_count == STATES_MAX / 2)
			fail("too many different final states");
		states[slot].values = malloc(job->observed * 8 + 8);
		memcpy(states[slot].values, values, job->observed * 8);
	}
	states[slot].count++;
}

static void run_round(struct context *own, u64 count)
{
	for (u64 k = 0; k < count; k++) {
		u64 instance = order[k];

		__atomic_add_fetch(&counters[k], 1, __ATOMIC_SEQ_CST);
		for (int polls = 0; counters[k] < job->threads && polls < POLLS_MAX; polls++)
			;
		own->entry = (u64)code_of(instance, own->number);
		enter(registers + (instance * job->threads + own->number) * 16);
		memcpy(own->results + instance * 16, own->registers, sizeof(own->registers));
		own->ended++;
	}
}

static void *thread_main(void *argument)
{
	struct context *own = argument;
	stack_t stack = { .ss_sp = own->signal_stack, .ss_size = sizeof(own->signal_stack) };
	u64 random = job->seed | 1;

	syscall(SYS_arch_prctl, ARCH_SET_GS, own);
	sigaltstack(&stack, NULL);
	if (job->cpu[own->number]) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(job->cpu[own->number] - 1, &set);
		if (sched_setaffinity(0, sizeof(set), &set) < 0)
			fail("sched_setaffinity");
	}
	for (u64 before = 0; before < job->runs; before += job->instances) {
		u64 left = job->runs - before;
		u64 count = left < job->instances ? left : job->instances;

		if (own->number == 0) {
			stopped = stop_asked;
			prepare(&random);
		}
		pthread_barrier_wait(&barrier);
		if (stopped)
			break;
		run_round(own, count);
		pthread_barrier_wait(&barrier);
		if (own->number)
			continue;
		for (u64 k = 0; k < count; k++)
			count_state(order[k]);
	}
	return NULL;
}

static void print_states(void)
{
	for (u64 i = 0; i < STATES_MAX; i++) {
		if (!states[i].count)
			continue;
		printf("%lx", states[i].count);
		for (u64 j = 0; j < job->observed; j++)
			printf(" %lx", states[i].values[j]);
		printf("\n");
	}
	fflush(stdout);
}

static void on_fault(int number, siginfo_t *info, void *unused)
{
	(void)info;
	(void)unused;
	dprintf(2, "a thread of the test takes signal %d\n", number);
	_exit(EXIT_FAULT);
}

static void on_stop(int number)
{
	(void)number;
	stop_asked = 1;
}

/* A round may take long: threads that wait for each other may have one processor only. */
static u64 progress(void)
{
	u64 sum = 0;

	for (u64 t = 0; t < job->threads; t++)
		sum += contexts[t].ended;
	return sum;
}

/* Waits for the threads; without progress it says so and ends the process. */
static void watch(pthread_t *threads)
{
	int idle = 0;

	for (u64 t = 0; t < job->threads; t++) {
		for (u64 before = progress(), now;; before = now) {
			struct timespec until;

			clock_gettime(CLOCK_REALTIME, &until);
			until.tv_sec++;
			if (pthread_timedjoin_np(threads[t], NULL, &until) == 0)
				break;
			now = progress();
			printf("# %lx\n", now / job->threads);
			fflush(stdout);
			idle = now == before ? idle + 1 : 0;
			if (idle < IDLE_SECONDS)
				continue;
			print_states();
			dprintf(2, "no run has ended for %d seconds\n", IDLE_SECONDS);
			_exit(EXIT_STUCK);
		}
	}
}

int main(int argc, char **argv)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_ONSTACK | SA_SIGINFO };
	pthread_t threads[THREADS_MAX];
	sigset_t stops;

	if (argc != 2) {
		fprintf(stderr, "usage: native JOB\n");
		return 2;
	}
	read_job(argv[1]);
	place_code();
	map_at(job->data_address, job->instances * job->stride);
	counters = calloc(job->instances, sizeof(*counters));
	order = calloc(job->instances, sizeof(*order));
	for (u64 i = 0; i < job->instances; i++)
		order[i] = i;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		sigaction(faults[i], &action, NULL);
	/* For this thread, not for those of the test, which may have no stack. */
	signal(SIGINT, on_stop);
	signal(SIGTERM, on_stop);
	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &stops, NULL);
	pthread_barrier_init(&barrier, NULL, job->threads);
	for (u64 t = 0; t < job->threads; t++) {
		contexts[t].number = t;
		contexts[t].results = calloc(job->instances, 16 * 8);
		if (pthread_create(&threads[t], NULL, thread_main, &contexts[t]))
			fail("pthread_create");
	}
	pthread_sigmask(SIG_UNBLOCK, &stops, NULL);
	watch(threads);
	print_states();
	return 0;
}
