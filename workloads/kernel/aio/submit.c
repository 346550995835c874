/*
 * io_submit: from the user's iocb to a result. A read of a cached page has its result before the
 * retry method returns, so the submitter itself completes it, and holds its own reference while
 * it does.
 */
#include "put_req.h"

#include "../arch/usercopy.h"
#include "../block/bio.h"
#include "../core/panic.h"
#include "../core/slab.h"
#include "../core/string.h"
#include "../sys/errno.h"

static struct kmem_cache kiocb_cache = KMEM_CACHE(struct kiocb);

/* Free slots of the ring; one always stays empty. */
static u32 aio_ring_avail(const struct aio_ring_info *info)
{
	const struct aio_ring *ring = info->ring;
	u32 avail = READ_ONCE(ring->head) + info->nr - 1 - READ_ONCE(ring->tail);

	return avail >= info->nr ? avail - info->nr : avail;
}

/* A kiocb with two references, or NULL when the ring might not have room for its event. */
struct kiocb *aio_get_req(struct kioctx *ctx)
{
	struct kiocb *req = kmem_cache_alloc(&kiocb_cache);
	bool room;

	memset(req, 0, sizeof(*req));
	INIT_LIST_HEAD(&req->ki_run_list);
	store_labelled(K0, req->ki_users, 2);
	req->ki_ctx = ctx;

	spin_lock_irq(&ctx->ctx_lock);
	room = ctx->reqs_active < aio_ring_avail(&ctx->ring_info);
	if (room) {
		list_add(&req->ki_list, &ctx->active_reqs);
		ctx->reqs_active++;
		if (aio_requests_hold_context)
			atomic_inc(&ctx->users);
	}
	spin_unlock_irq(&ctx->ctx_lock);
	if (!room) {
		kmem_cache_free(&kiocb_cache, req);
		return NULL;
	}
	return req;
}

noinline void kiocb_release(struct kioctx *ctx, struct kiocb *req)
{
	ASSERT_SPIN_LOCKED(&ctx->ctx_lock);
	BUG_ON(req->ki_users < 0);
	list_del(&req->ki_list);
	store_labelled(Kf, req->ki_list.next, NULL);
	if (req->ki_filp)
		fput(req->ki_filp);
	kmem_cache_free(&kiocb_cache, req);
	ctx->reqs_active--;
	if (unlikely(ctx->dead && !ctx->reqs_active))
		wake_up(&ctx->wait);
}

noinline bool aio_put_req(struct kiocb *req)
{
	struct kioctx *ctx = req->ki_ctx;
	bool last;

	spin_lock_irq(&ctx->ctx_lock);
	last = __aio_put_req(ctx, req);
	spin_unlock_irq(&ctx->ctx_lock);
	if (last && aio_requests_hold_context)
		put_ioctx(ctx);
	return last;
}

/* What one call leaves, the next one does, until there is no more or it has to wait: a short
 * transfer is not a reason to be tried again. */
static long aio_pread(struct kiocb *iocb)
{
	struct file *file = iocb->ki_filp;

	if (file->f_op->aio)
		return file->f_op->aio(iocb, READ);
	while (iocb->ki_done < iocb->ki_nbytes) {
		long read = file->f_op->read(file, (u8 *)iocb->ki_buf + iocb->ki_done,
					     iocb->ki_nbytes - iocb->ki_done,
					     iocb->ki_pos + iocb->ki_done);

		if (read == -EIOCBRETRY)
			return read;
		if (read < 0 && !iocb->ki_done)
			return read;
		if (read <= 0)
			break;
		iocb->ki_done += read;
		/* Short because the next page has to be waited for. */
		if (iocb->ki_waits)
			return -EIOCBRETRY;
	}
	return iocb->ki_done;
}

/* Through the page cache a write is done when this returns. */
static long aio_pwrite(struct kiocb *iocb)
{
	struct file *file = iocb->ki_filp;

	if (file->f_op->aio)
		return file->f_op->aio(iocb, WRITE);
	return file->f_op->pwrite(file, (void *)iocb->ki_buf, iocb->ki_nbytes, iocb->ki_pos);
}

/* The retry method of the iocb's opcode, or NULL: the file has none. */
static long (*method_of(const struct iocb *iocb, const struct file *file))(struct kiocb *)
{
	if (iocb->aio_lio_opcode == IOCB_CMD_PREAD && (file->f_op->aio || file->f_op->read))
		return aio_pread;
	if (iocb->aio_lio_opcode == IOCB_CMD_PWRITE && (file->f_op->aio || file->f_op->pwrite))
		return aio_pwrite;
	return NULL;
}

static long io_submit_one(struct kioctx *ctx, struct iocb __user *user_iocb,
			  const struct iocb *iocb)
{
	struct kiocb *req;
	struct file *file;
	long error;

	if (iocb->aio_reserved2 || iocb->aio_flags)
		return -EINVAL;
	file = fget(iocb->aio_fildes);
	if (!file)
		return -EBADF;
	req = aio_get_req(ctx);
	if (!req) {
		fput(file);
		return -EAGAIN;
	}
	req->ki_filp = file;
	error = copy_to_user(&user_iocb->aio_key, &req->ki_key, sizeof(req->ki_key));
	req->ki_retry = method_of(iocb, file);
	if (!error && !req->ki_retry)
		error = -EINVAL;
	if (error) {
		aio_put_req(req); /* the I/O's and */
		aio_put_req(req); /* the submitter's */
		return error;
	}
	req->ki_obj = (u64)user_iocb;
	req->ki_user_data = iocb->aio_data;
	req->ki_pos = iocb->aio_offset;
	req->ki_buf = iocb->aio_buf;
	req->ki_nbytes = iocb->aio_nbytes;
	aio_prepare_wait(req);

	spin_lock_irq(&ctx->ctx_lock);
	aio_run_iocb(req);
	__aio_run_iocbs(ctx);
	spin_unlock_irq(&ctx->ctx_lock);
	aio_put_req(req);
	return 0;
}

/* The number submitted; an error only if there was none. */
long sys_io_submit(u64 ctx_id, s64 nr, u64 __user *iocbpp)
{
	struct kioctx *ctx;
	long error = 0;
	s64 i;

	if (nr < 0 || nr > AIO_SUBMIT_MAX)
		return -EINVAL;
	ctx = lookup_ioctx(ctx_id);
	if (!ctx)
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		struct iocb iocb;
		u64 user_iocb;

		error = copy_from_user(&user_iocb, &iocbpp[i], sizeof(user_iocb));
		if (!error)
			error = copy_from_user(&iocb, (void *)user_iocb, sizeof(iocb));
		if (!error)
			error = io_submit_one(ctx, (struct iocb *)user_iocb, &iocb);
		if (error)
			break;
	}
	put_ioctx(ctx);
	return i ? i : error;
}
