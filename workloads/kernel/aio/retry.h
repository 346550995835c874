/* What retry.c and the copies of kick.h need of each other. */
#ifndef RETRY_H
#define RETRY_H

#include "aio.h"

typedef bool aio_wake_function_t(wait_queue_t *wait, void *key);
typedef void aio_run_iocb_t(struct kiocb *iocb);

/* The copy in use. */
struct aio_kick {
	const char *name;
	aio_wake_function_t *wake;
	aio_run_iocb_t *run;
	bool holds; /* the entry in a queue has a reference to the request */
};

extern const struct aio_kick *aio_kick;
void aio_choose_kick(void);

/* Runs run_list soon, in a worker. The caller has the context held, or a request of it. */
void aio_queue_work(struct kioctx *ctx);
/* Calls the request's method, which must not sleep. */
long aio_try(struct kiocb *iocb);

/* WARN_ON: what the code does not expect to see. For the host: how often. */
extern u32 aio_warnings;
void aio_warn(void);

#endif
