/*
 * /dev/short: the bytes of /data, of which a try of an asynchronous read copies one sector, and
 * asks by -EIOCBRETRY for another try although it has left ki_wait in no queue. Up to Linux 2.6.13
 * a method may do that: whoever tries marks such a request himself (aio/kick.h, P3 and P4). Where
 * -EIOCBRETRY is the promise of a wake-up, as in f1, it is not tried again: the promise is broken.
 */
#include "../aio/aio.h"
#include "../block/bio.h"
#include "../sys/errno.h"
#include "file.h"
#include "pagecache.h"

#define SHORT_BYTES 512

static long short_aio(struct kiocb *iocb, u32 rw)
{
	u64 left = iocb->ki_nbytes - iocb->ki_done;
	u64 bytes = left < SHORT_BYTES ? left : SHORT_BYTES;
	long read;

	if (rw != READ)
		return -EINVAL;
	read = cached_read(iocb->ki_filp, (u8 *)iocb->ki_buf + iocb->ki_done, bytes,
			   iocb->ki_pos + iocb->ki_done);
	if (read <= 0)
		return iocb->ki_done ? (long)iocb->ki_done : read;
	iocb->ki_done += read;
	return iocb->ki_done < iocb->ki_nbytes ? -EIOCBRETRY : (long)iocb->ki_done;
}

const struct file_operations short_operations = {
	.read = cached_read,
	.aio = short_aio,
};
