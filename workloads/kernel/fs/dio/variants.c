/*
 * The variants of cases 002 and 003, and who uses which: one machine serves the raw disks, one the
 * file system that is mounted. The boot parameters choose; nothing is decided afterwards.
 *
 *     v002=bug|fix2006|f1|dio2620|x1..x4        raw disks and the file system; default dio2620
 *     v003=bug|f0|f0+bug_on|f1|x1..x7|x2b|x6b   the file system alone
 *
 * dio2620 and f0 are one and the same.
 */
#include "../../boot/params.h"
#include "../../core/panic.h"
#include "../../core/string.h"
#include "dio.h"

#define COUNTS(X) X(bug) X(fix2006) X(f1) X(x1) X(x2) X(x3) X(x4)
#define REFCOUNTS(X) X(bug) X(f0) X(f1) X(x1) X(x2) X(x2b) X(x3) X(x4) X(x5) X(x6) X(x6b) X(x7)

#define DECLARE_COUNT(name) direct_io_function direct_io__##name;
#define DECLARE_REFCOUNT(name) direct_io_function direct_io_refcount__##name;
COUNTS(DECLARE_COUNT)
REFCOUNTS(DECLARE_REFCOUNT)
direct_io_function direct_io_refcount__f0_bug_on;

#define COUNT(name) { #name, direct_io__##name, false },
#define REFCOUNT(name) { #name, direct_io_refcount__##name, true },

static const struct dio_machine raw_machines[] = {
	COUNTS(COUNT)
	{ "dio2620", direct_io_refcount__f0, true },
};
static const struct dio_machine fs_machines[] = {
	REFCOUNTS(REFCOUNT)
	{ "f0+bug_on", direct_io_refcount__f0_bug_on, true },
};

const struct dio_machine *raw_dio, *fs_dio;

static const struct dio_machine *choose(const char *key, const char *otherwise,
					const struct dio_machine *machines, u32 count)
{
	const char *name = param_string(key, otherwise);

	for (u32 i = 0; i < count; i++) {
		if (strcmp(machines[i].name, name) == 0)
			return &machines[i];
	}
	panic("%s=%s: fs/dio/variants.c has the names that there are", key, name);
}

void dio_init(void)
{
	raw_dio = choose("v002", "dio2620", raw_machines, ARRAY_SIZE(raw_machines));
	fs_dio = raw_dio;
	if (param_string("v003", NULL))
		fs_dio = choose("v003", "f0", fs_machines, ARRAY_SIZE(fs_machines));
}
