/* The same without moving P3 and P4: who sees ki_wait out of the queue then waits for ctx_lock. */
#define VARIANT f0p
#define KICK(iocb, wait, ctx) unlink_and_kick_locked(iocb, wait, ctx)
#include "kick.h"
