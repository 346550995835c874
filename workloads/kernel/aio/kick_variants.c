/*
 * The variants of case 004: the wake function and what runs a request, a copy each. The boot
 * parameter chooses; nothing is decided afterwards.
 *
 *     v004=bug|f0|f0p|f1|x1..x6    default f1
 */
#include "../boot/params.h"
#include "../core/panic.h"
#include "../core/string.h"
#include "retry.h"

#define KICKS(X) X(bug) X(f0) X(f0p) X(f1) X(x1) X(x2) X(x3) X(x4) X(x5) X(x6)

#define DECLARE(v)                                                                                 \
	aio_wake_function_t aio_wake_function__##v;                                                \
	aio_run_iocb_t aio_run_iocb__##v;
KICKS(DECLARE)

#define KICK_OF(v) { #v, aio_wake_function__##v, aio_run_iocb__##v, false },
static struct aio_kick kicks[] = { KICKS(KICK_OF) };

const struct aio_kick *aio_kick;

void aio_choose_kick(void)
{
	const char *name = param_string("v004", "f1");

	for (u32 i = 0; i < ARRAY_SIZE(kicks); i++) {
		kicks[i].holds = strcmp(kicks[i].name, "x6") == 0;
		if (strcmp(kicks[i].name, name) == 0)
			aio_kick = &kicks[i];
	}
	if (!aio_kick)
		panic("v004=%s: this kernel has bug, f0, f0p, f1 and x1 to x6", name);
}
