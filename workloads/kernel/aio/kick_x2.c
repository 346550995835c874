/* Q3 under ctx_lock, and nothing else. */
#define VARIANT x2
#define KICK(iocb, wait, ctx) (unlink_wait(wait), kick_locked(iocb, ctx))
#include "kick.h"
