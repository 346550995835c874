/* 2.6.15: no P3 and P4, a method that says -EIOCBRETRY will be kicked; Q3 is under ctx_lock, and an
 * entry that is in a queue at Q4 is a bug. */
#include "../core/panic.h"

#define VARIANT f1
#define WHEN_QUEUED() panic("a request that is woken waits in a queue")
#define KICK(iocb, wait, ctx) (unlink_wait(wait), kick_locked(iocb, ctx))
#define BEFORE_LOCK(iocb) ((void)0)
#include "kick.h"
