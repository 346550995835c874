/*
 * The variants of case 001: every completer with every layout and every way of releasing a lock,
 * and every reaper, each a copy of its own. The boot parameters choose one of each; nothing is
 * decided afterwards.
 *
 *     v001k=0..13      aio_complete()   complete_k*.c        default 7
 *     v001r=a..j       read_events()    read_events_*.c      default a
 *     v001lay=24|9     where aio_complete() looks: before or after it releases ctx_lock; default 24
 *     unlock=mov|xchg  how ctx_lock there and wait.lock here are released; default mov
 */
#include "../boot/params.h"
#include "../core/panic.h"
#include "../core/string.h"
#include "aio.h"

#define MOV 0
#define XCHG 1

#define COMPLETERS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
#define REAPERS(X) X(a) X(b) X(c) X(d) X(e) X(f) X(g) X(h) X(i) X(j)

typedef bool aio_complete_function(struct kiocb *iocb, s64 res, s64 res2);
typedef long read_events_function(struct kioctx *ctx, s64 min_nr, s64 nr,
				  struct io_event __user *events, struct aio_timeout *to);

#define DECLARE_COMPLETER(k)                                                                       \
	aio_complete_function aio_complete__k##k##_24, aio_complete__k##k##_24_xchg,               \
		aio_complete__k##k##_9, aio_complete__k##k##_9_xchg;
#define DECLARE_REAPER(r) read_events_function read_events__##r, read_events__##r##_xchg;
COMPLETERS(DECLARE_COMPLETER)
REAPERS(DECLARE_REAPER)
aio_complete_function aio_complete__k13_9_xchg;

/* By layout, 24 first, and release. */
struct completer {
	aio_complete_function *function[2][2];
};

#define COMPLETER(k)                                                                               \
	{ { { aio_complete__k##k##_24, aio_complete__k##k##_24_xchg },                             \
	    { aio_complete__k##k##_9, aio_complete__k##k##_9_xchg } } },
static const struct completer completers[] = {
	COMPLETERS(COMPLETER)
	/* 13: its release is what makes it a variant. */
	{ { { NULL, NULL }, { aio_complete__k13_9_xchg, aio_complete__k13_9_xchg } } },
};

#define REAPER(r) { read_events__##r, read_events__##r##_xchg },
static read_events_function *const reapers[][2] = { REAPERS(REAPER) };

aio_complete_t aio_complete;
read_events_t read_events;
bool aio_requests_hold_context;

u32 aio_choose_variants(void)
{
	u64 k = param_number("v001k", 7);
	const char *r = param_string("v001r", "a");
	u64 layout = param_number("v001lay", 24);
	const char *unlock = param_string("unlock", "mov");
	u32 release = strcmp(unlock, "xchg") == 0 ? XCHG : MOV;

	if (k >= ARRAY_SIZE(completers))
		panic("v001k=%lu: this kernel has 0 to %lu", k, ARRAY_SIZE(completers) - 1);
	if (r[0] < 'a' || r[0] >= 'a' + (int)ARRAY_SIZE(reapers) || r[1])
		panic("v001r=%s: this kernel has a to j", r);
	if (layout != 24 && layout != 9)
		panic("v001lay=%lu: this kernel has 24 and 9", layout);
	if (release == MOV && strcmp(unlock, "mov") != 0)
		panic("unlock=%s: this kernel has mov and xchg", unlock);
	aio_complete = completers[k].function[layout == 9][release];
	if (!aio_complete)
		panic("v001k=%lu is there with v001lay=9 only", k);
	read_events = reapers[r[0] - 'a'][release];
	aio_requests_hold_context = layout == 9;
	return k;
}
