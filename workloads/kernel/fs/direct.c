/*
 * S9: what a direct write that was not done as a whole means. The machines of 2.6.20 say themselves
 * that a request is queued. The older ones return the count that is under way; the whole count then
 * means that the request is queued, less of it that the rest goes through the page cache, in the
 * same call, and anything else is the result.
 */
#include "direct.h"

#include "../arch/usercopy.h"
#include "../core/mm.h"
#include "../sys/errno.h"
#include "buffered.h"
#include "journal.h"

#define DIRECT_CREDITS 8

long direct_check(u64 lin, u64 bytes, u64 position)
{
	if ((lin | bytes | position) % SECTOR_SIZE || !bytes || position + bytes < position)
		return -EINVAL;
	if (!access_ok((const void *)lin, bytes))
		return -EFAULT;
	for (u64 at = lin & ~(u64)(PAGE_SIZE - 1); at < lin + bytes; at += PAGE_SIZE) {
		if (!mm_find(&current->process->mm, at))
			return -EFAULT;
	}
	return 0;
}

long direct_read(const struct dio_machine *machine, struct kiocb *iocb,
		 const struct dio_target *target, u64 lin, u64 bytes, u64 position)
{
	long read = machine->direct_io(READ, iocb, target, lin, bytes, position);

	if (!machine->tells_queued && read > 0 && !is_sync_kiocb(iocb))
		return -EIOCBQUEUED;
	return read;
}

long direct_write(const struct dio_machine *machine, struct kiocb *iocb,
		  const struct dio_target *target, struct page_cache *cache, u64 lin, u64 bytes,
		  u64 position)
{
	struct handle *handle = NULL;
	long written, rest;

	buffered_invalidate(cache, bytes, position);
	if (target->journal)
		handle = journal_start(target->journal, DIRECT_CREDITS);
	written = machine->direct_io(WRITE, iocb, target, lin, bytes, position);
	if (handle)
		journal_stop(target->journal, handle);
	if (!machine->tells_queued && written == bytes && !is_sync_kiocb(iocb))
		return -EIOCBQUEUED;
	if (written < 0 || written == bytes)
		return written;
	rest = buffered_write_and_wait(cache, (const void *)(lin + written), bytes - written,
				       position + written);
	buffered_invalidate(cache, bytes, position); /* what is there now belongs to the disk */
	if (rest < 0)
		return written ? written : rest;
	return written + rest;
}
