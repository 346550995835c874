/* The repair that was proposed in 2005: Q1, Q3 and Q6 are one, and P3 and P4 are under ctx_lock. */
#define VARIANT f0
#define KICK(iocb, wait, ctx) unlink_and_kick_locked(iocb, wait, ctx)
#define BEFORE_LOCK(iocb) ((void)0)
#define UNDER_LOCK(iocb) mark_if_unqueued(iocb)
#include "kick.h"
