/* W001: what its two threads share. */
#ifndef W001_H
#define W001_H

#include <mini.h>
#include <smpbox.h>
#include <w001-stats.h>

#define RECORD_BYTES 4096
#define FILE_BYTES 65536
#define BATCH_BYTES 8192 /* of each request of a batch: the reaper keeps up with the submitter */
#define BATCH_MAX 64
#define RING_EVENTS 125	/* asks for one page of ring */
#define RING_HEADER_NR 1 /* u32 indices into the ring */
#define RING_HEADER_HEAD 2
#define RING_HEADER_TAIL 3
#define REPAIR (~0ul) /* aio_data of an event that only wakes the reaper */

struct mode {
	const char *name;
	const char *file;
	u32 depth;	/* requests of one io_submit */
	bool work;	/* the reaper checksums after its acknowledgement */
	bool scanned;	/* the reaper waits a chosen number of cycles instead */
	bool paced;	/* the reaper waits until about the next completion instead */
	bool cold;	/* the lines of the ring that the next event touches come from memory */
	bool asleep;	/* the submitter waits for the acknowledgement asleep */
	u32 timeout_ms; /* of io_getevents; 0: none */
	u32 lines_min, lines_max;
	u32 bytes; /* of a request */
};

static struct {
	const struct mode *mode;
	u32 submitter_cpu, reaper_cpu;
	u32 lines_min, lines_max;
	u64 rounds, spins;
	u64 phase, low, high, step, reps;
	bool scan, paced;
	u64 seed;
	int fd;
	u64 ctx;
	u64 empty_ctx; /* nothing is ever submitted to it: to sleep on */
} setup;

/* Written by the reaper, polled by the submitter: rounds acknowledged. */
static struct {
	u64 rounds;
	u32 ready;
} acknowledged LINE_ALIGNED;

/* Written by the submitter before a round, read by the reaper after it. */
static struct {
	u64 delay;  /* cycles to wait before the next io_getevents */
	u64 begun;  /* time of the submission */
	u32 work;   /* 1: then checksum the record                 */
	u32 last;   /* 1: no round comes after this one            */
	u32 counts; /* 1: the round after this one counts          */
} plan LINE_ALIGNED;

/* 1: the submitter may be asleep until the next acknowledgement. */
static u32 submitter_asleep LINE_ALIGNED;

/* What the requests of even and of odd rounds read, one behind the other. */
static u8 *record[2];

static inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return low | (u64)high << 32;
}

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

static inline void mfence(void)
{
	asm volatile("mfence" : : : "memory");
}

static inline const u32 *ring(void)
{
	return (const u32 *)setup.ctx; /* the context's number is the address of the ring */
}

#endif
