/* 2.6.15: no P3 and P4, a method that says -EIOCBRETRY will be kicked; Q3 is under ctx_lock. */
#define VARIANT f1
#define KICK(iocb, wait, ctx) (unlink_wait(wait), kick_locked(iocb, ctx))
#define BEFORE_LOCK(iocb) ((void)0)
#include "kick.h"
