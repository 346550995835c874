/*
 * aiorw(): from the user's call to the disk. A request is taken from the process's free list under
 * aio_mutex and zeroed there (2.4b); its length is stored after the mutex is dropped (2.5). Between
 * the two it says 0 to whoever still reads it.
 */
#include "illumos.h"

#include "../../arch/probe.h"
#include "../../arch/usercopy.h"
#include "../../block/queue.h"
#include "../../core/mm.h"
#include "../../core/panic.h"
#include "../../core/slab.h"
#include "../../fs/file.h"
#include "../../sys/errno.h"

/* What the user passes beside the first arguments. */
struct aiorw_args {
	u64 resultp;
	s64 port; /* -1: none, aiowait() asks for the result */
	u64 user;
};

static struct kmem_cache kevent_cache = KMEM_CACHE(struct port_kevent);

void port_kevent_free(struct port_kevent *event)
{
	kmem_cache_free(&kevent_cache, event);
}

/* 2.3 to 2.4e. */
static noinline long aio_req_setup(struct aio *aio, const struct aiorw_args *args,
				   struct aio_req **reqp)
{
	struct aio_req *req;

	mutex_enter(&aio->aio_mutex);
	req = aio_variant->alloc(aio);
	if (!req) {
		mutex_exit(&aio->aio_mutex);
		return -EAGAIN;
	}
	WRITE_ONCE(req->aio_req.aio_uio, &req->aio_req_uio);
	WRITE_ONCE(req->aio_req_uio.uio_iov, &req->aio_req_iov);
	WRITE_ONCE(req->aio_req_uio.uio_iovcnt, 1);
	WRITE_ONCE(req->aio_req.aio_private, req);
	WRITE_ONCE(req->aio_req_resultp, (struct aio_result *)args->resultp);
	if (!aio_hash_insert(aio, req)) {
		aio_variant->free(aio, req);
		mutex_exit(&aio->aio_mutex);
		return -EBUSY;
	}
	aio->aio_pending++;
	aio->aio_outstanding++;
	WRITE_ONCE(req->aio_req_flags, AIO_PENDING);
	if (args->port >= 0)
		aio_enqueue(&aio->aio_portpending, req);
	mutex_exit(&aio->aio_mutex);
	*reqp = req;
	return 0;
}

/* The disk is done: what the driver knows goes into the buf, the rest is the interrupt thread's. */
static void biodone(struct bio *bio)
{
	struct aio_req *req = bio->bi_private;
	struct buf *bp = &req->aio_req_buf;
	struct ithread_work *work = (struct ithread_work *)bp->b_shadow;

	if (!(bio->bi_flags & BIO_UPTODATE)) {
		WRITE_ONCE(bp->b_error, EIO);
		WRITE_ONCE(bp->b_resid, bp->b_bcount);
		WRITE_ONCE(bp->b_flags, bp->b_flags | B_ERROR);
	}
	bio_put(bio);
	work->function = aio_done;
	ithread_queue(work);
}

_Static_assert(sizeof(struct ithread_work) <= sizeof(((struct buf *)0)->b_shadow), "b_shadow");

/* One buf, one bio: a request of this path is a few pages. */
static noinline long aphysio(struct aio_req *req, struct gendisk *disk, bool write)
{
	struct buf *bp = &req->aio_req_buf;
	u64 lin = req->aio_req_iov.iov_base, end = lin + req->aio_req_iov.iov_len;
	struct bio *bio;

	WRITE_ONCE(bp->b_error, 0);
	WRITE_ONCE(bp->b_flags, B_BUSY | (write ? 0 : B_READ));
	WRITE_ONCE(bp->b_bcount, req->aio_req_iov.iov_len);
	WRITE_ONCE(bp->b_resid, 0);
	WRITE_ONCE(bp->b_proc, current->process);
	bp->b_blkno = req->aio_req_uio.uio_loffset >> SECTOR_SHIFT;

	bio = bio_alloc(disk, write, bp->b_blkno);
	bio->bi_private = req;
	bio->bi_end_io = biodone;
	while (lin < end) {
		u64 part = PAGE_SIZE - lin % PAGE_SIZE;

		if (part > end - lin)
			part = end - lin;
		bio_add(bio, virt_to_phys(mm_find(&current->process->mm, lin)), part);
		lin += part;
	}
	submit_bio(bio);
	unplug_queue(disk);
	return 0;
}

static long check_range(u64 lin, u64 bytes, u64 offset, const struct gendisk *disk)
{
	u64 size = disk->sectors << SECTOR_SHIFT;

	if (!bytes || (lin | bytes | offset) % SECTOR_SIZE || bytes > 16 * PAGE_SIZE)
		return -EINVAL;
	if (offset > size || bytes > size - offset)
		return -EINVAL;
	if (!access_ok((void *)lin, bytes))
		return -EFAULT;
	for (u64 at = lin & ~(u64)(PAGE_SIZE - 1); at < lin + bytes; at += PAGE_SIZE)
		if (!mm_find(&current->process->mm, at))
			return -EFAULT;
	return 0;
}

/* A raw disk's file, with its count raised for as long as the request lives. */
static struct file *raw_file(u64 fd)
{
	struct file *file = fget(fd);

	if (file && !file->f_private) {
		fput(file);
		return NULL;
	}
	return file;
}

long sys_aiorw(u32 write, u64 fd, u64 buffer, u64 bytes, u64 offset, u64 user_args)
{
	struct aio *aio = aio_of(current->process);
	struct aiorw_args args;
	struct port_kevent *event;
	struct aio_req *req;
	struct file *file;
	struct port *port;
	long error;

	if (copy_from_user(&args, (void *)user_args, sizeof(args)))
		return -EFAULT;
	port = args.port >= 0 ? port_of(args.port) : NULL;
	if (args.port >= 0 && !port)
		return -EBADF;
	file = raw_file(fd);
	if (!file)
		return -EBADF;
	error = check_range(buffer, bytes, offset, file->f_private);
	if (!error)
		error = aio_req_setup(aio, &args, &req);
	if (error) {
		fput(file);
		return error;
	}
	/* 2.5: outside the mutex. */
	WRITE_ONCE(req->aio_req_fd, fd);
	WRITE_ONCE(req->aio_req_iov.iov_base, buffer);
	store_labelled(2_5, req->aio_req_iov.iov_len, bytes);
	WRITE_ONCE(req->aio_req_uio.uio_loffset, offset);
	req->aio_req_iocb = (u64)file;
	if (port) {
		event = kmem_cache_alloc(&kevent_cache);
		*event = (struct port_kevent){
			.portkev_object = args.resultp,
			.portkev_user = args.user,
			.portkev_callback = aio_variant->port_callback,
			.portkev_arg = req,
		};
		req->aio_req_port = (u64)port;
		req->aio_req_portkev = event;
	}
	return aphysio(req, file->f_private, write);
}
