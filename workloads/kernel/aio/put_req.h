/* Dropping a reference to a kiocb, compiled into each of its callers: the completer's copy lies
 * in the race window of case 001. */
#ifndef PUT_REQ_H
#define PUT_REQ_H

#include "../arch/probe.h"
#include "aio.h"

#ifndef DROP_USERS
#define DROP_USERS(req, users) store_labelled(P, (req)->ki_users, users)
#endif

/*
 * Under ctx_lock. With two references, as in a completion on the submitter's own path, this is a
 * load and a plain store: no fence. The last reference goes the long way, whose locked decrement
 * of f_count is a full fence by accident.
 */
static __always_inline bool __aio_put_req(struct kioctx *ctx, struct kiocb *req)
{
	int users = READ_ONCE(req->ki_users) - 1;

	DROP_USERS(req, users);
	if (likely(users > 0))
		return false;
	kiocb_release(ctx, req);
	return true;
}

#endif
