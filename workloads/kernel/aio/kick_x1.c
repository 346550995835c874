/* P3 and P4 under ctx_lock, and nothing else. */
#define VARIANT x1
#define BEFORE_LOCK(iocb) ((void)0)
#define UNDER_LOCK(iocb) mark_if_unqueued(iocb)
#include "kick.h"
