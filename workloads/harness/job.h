/*
 * The ramdisk: what to run, in 64-bit words; and what came of it. The host writes the one and reads
 * the other (src/engine/timing-job.ts has the same layout).
 *
 *     job | threads | pieces | observed | places (one byte each) | contents of the pieces
 *
 * A place is the CPU of a thread: `batches` rows of `threads` bytes. The runs are spread over the
 * batches; in each, the threads have other CPUs.
 */
#ifndef JOB_H
#define JOB_H

#include "../kernel/core/types.h"

#define JOB_MAGIC 0x31424f4a54494c53 /* "SLITJOB1" */
#define THREADS_MAX 64
#define OBSERVED_MAX 256

struct job {
	u64 magic;
	u64 threads, pieces, observed, batches;
	u64 variables; /* of the pieces */
	u64 runs, runs_per_batch;
	u64 seed;
	u64 patience; /* cycles after which a run is stuck */
};

struct job_thread {
	u64 rip;
	u64 registers[16]; /* by number: rax rcx rdx rbx rsp rbp rsi rdi r8 ... r15 */
};

/* Code is put in place once, a variable before every run. */
struct job_piece {
	u64 address, bytes;
	u64 offset; /* of its contents, in the ramdisk; a multiple of 8 */
	u64 variable;
};

/* The low `size` bytes of a register of a thread, or of memory. */
struct job_observed {
	u64 memory;
	u64 thread, reg;
	u64 address;
	u64 size;
};

enum status { STATUS_RUNNING, STATUS_DONE, STATUS_FAULT, STATUS_STUCK, STATUS_FULL };

/* Read by the host when the machine has stopped; all words of 64 bits. */
struct result {
	u64 status;
	u64 runs;	 /* counted in the histogram */
	u64 late;	 /* of them, those in which a thread was not ready at the start */
	u64 states;
	u64 entry_words; /* of an entry of the histogram: a count, then the observed values */
	u64 thread, rip; /* of STATUS_FAULT and STATUS_STUCK; RIP 0: where CPU `cpu` is */
	u64 cpu;
	u64 vector, fault_address;
};

#endif
