/*
 * The machine of 2.6.9 to 2.6.16, the template of case 002's variants. bio_count, under bio_lock,
 * is one for the submitter and one for each bio; who finds it 1 completes the request. A variant's
 * file defines VARIANT, and of the hooks below those in which it differs from `bug`, and includes
 * this.
 *
 * `result` is used twice. The submitter adds up in it what is under way (S3) and decides by it
 * whether the rest must go through the page cache (S5) and what to tell its caller (S6); a bio that
 * failed stores -EIO in it (D1). The completion reports only if the result is the whole size (f4):
 * anything else means "the submitter waits and reports". An error of a request that was queued as a
 * whole is therefore reported by nobody:
 *
 *     submitter: S3 .. S5 .. S6: queued                                    returns
 *     completion:                      D1: result = -EIO   f4: not the size, so it is not for me
 *
 * What D1 does before S6 is a race. Nothing orders it with S3, S5 and S6, which are outside the
 * lock: before S3 it looks like a write that is five bytes short, inside S3 it is overwritten.
 */
#include "dio.h"

#include "../../block/queue.h"
#include "../../core/sched.h"
#include "../../sys/errno.h"

#ifndef NOTE_ERROR /* D1 */
#define NOTE_ERROR(dio) store_labelled(D1, (dio)->result, -EIO)
#endif
#ifndef ADD_RESULT /* S3 */
#define ADD_RESULT(dio, bytes) add_result(dio, bytes)
#endif
#ifndef COLLECT /* f1, and f2 if there is a separate error; bio_lock is held */
#define COLLECT(dio, flags) (spin_unlock_irqrestore(&(dio)->bio_lock, flags), result_read(dio))
#endif
#ifndef REPORTS /* f4: is the completion to report? */
#define REPORTS(dio, result) ((result) == (dio)->size || ((dio)->rw == READ && (result)))
#endif

#define PASTE(a, b) a##__##b
#define EXPAND(a, b) PASTE(a, b)
#define NAME(function) EXPAND(function, VARIANT)

static __always_inline void add_result(struct dio *dio, u64 bytes)
{
	s64 result = load_labelled(S3, dio->result);

	store_labelled(S3, dio->result, result + (s64)bytes);
}

/* A read past the end of the file has transferred what there is. */
static __always_inline s64 clipped(const struct dio *dio, s64 result)
{
	if (dio->rw == READ && result > 0 && dio->offset + result > dio->target->i_size)
		return dio->target->i_size - dio->offset;
	return result;
}

static __always_inline s64 result_read(struct dio *dio)
{
	return clipped(dio, load_labelled(f1, dio->result));
}

static __always_inline s64 result_or_error_read(struct dio *dio)
{
	s64 result = result_read(dio);
	s64 error = load_labelled(f2, dio->io_error);

	return error ? error : result;
}

static noinline void NAME(finished_one_bio)(struct dio *dio)
{
	u64 flags = spin_lock_irqsave(&dio->bio_lock);

	if (dio->bio_count == 1 && dio->is_async) {
		s64 transferred = COLLECT(dio, flags);
		s64 result = load_labelled(f4, dio->result);

		if (REPORTS(dio, result)) {
			aio_complete(dio->iocb, transferred, 0);
			dio_free(dio);
			return;
		}
		/* The submitter waits, and reports after it has written the rest. */
		flags = spin_lock_irqsave(&dio->bio_lock);
		dio->bio_count--;
		if (dio->waiter)
			try_to_wake_up(dio->waiter, TASK_NORMAL);
	} else {
		dio->bio_count--;
	}
	spin_unlock_irqrestore(&dio->bio_lock, flags);
}

/* D1 to D3. */
static noinline long NAME(dio_bio_complete)(struct dio *dio, struct bio *bio)
{
	bool uptodate = bio->bi_flags & BIO_UPTODATE;

	if (!uptodate)
		NOTE_ERROR(dio);
	bio_put(bio);
	NAME(finished_one_bio)(dio);
	return uptodate ? 0 : -EIO;
}

static void NAME(dio_bio_end_aio)(struct bio *bio)
{
	NAME(dio_bio_complete)(bio->bi_private, bio);
}

/* Of a synchronous request: the submitter does the rest. */
static void NAME(dio_bio_end_io)(struct bio *bio)
{
	struct dio *dio = bio->bi_private;
	u64 flags = spin_lock_irqsave(&dio->bio_lock);

	bio->bi_private = dio->bio_list;
	dio->bio_list = bio;
	dio->bios_in_flight--;
	if (dio->waiter && !dio->bios_in_flight)
		try_to_wake_up(dio->waiter, TASK_NORMAL);
	spin_unlock_irqrestore(&dio->bio_lock, flags);
}

static void NAME(dio_bio_submit)(struct dio *dio)
{
	struct bio *bio = dio->bio;
	u64 flags;

	bio->bi_end_io = dio->is_async ? NAME(dio_bio_end_aio) : NAME(dio_bio_end_io);
	flags = spin_lock_irqsave(&dio->bio_lock);
	dio->bio_count++;
	dio->bios_in_flight++;
	spin_unlock_irqrestore(&dio->bio_lock, flags);
	submit_bio(bio);
}

static void NAME(dio_bio_reap)(struct dio *dio)
{
	struct bio *bio = dio_take_ended(dio);

	while (bio) {
		struct bio *next = bio->bi_private;
		long error = NAME(dio_bio_complete)(dio, bio);

		if (error)
			dio->io_error = error;
		bio = next;
	}
}

static struct bio *NAME(dio_await_one)(struct dio *dio)
{
	u64 flags = spin_lock_irqsave(&dio->bio_lock);
	struct bio *bio;

	while (!dio->bio_list) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		dio->waiter = current;
		spin_unlock_irqrestore(&dio->bio_lock, flags);
		io_schedule();
		flags = spin_lock_irqsave(&dio->bio_lock);
		dio->waiter = NULL;
		set_current_state(TASK_RUNNING);
	}
	bio = dio->bio_list;
	dio->bio_list = bio->bi_private;
	spin_unlock_irqrestore(&dio->bio_lock, flags);
	return bio;
}

/* Until the bios of a write that was cut short are done; then the request is the submitter's. */
static void NAME(drain)(struct dio *dio)
{
	u64 flags = spin_lock_irqsave(&dio->bio_lock);

	set_current_state(TASK_UNINTERRUPTIBLE);
	while (dio->bio_count) {
		spin_unlock_irqrestore(&dio->bio_lock, flags);
		io_schedule();
		flags = spin_lock_irqsave(&dio->bio_lock);
		set_current_state(TASK_UNINTERRUPTIBLE);
	}
	spin_unlock_irqrestore(&dio->bio_lock, flags);
	set_current_state(TASK_RUNNING);
	dio_free(dio);
}

static noinline long NAME(finish_async)(struct dio *dio, long ret)
{
	struct gendisk *disk = dio->target->disk;
	bool should_wait = false;

	/* Unsigned: an error counts as huge, and not as cut short. */
	if ((u64)load_labelled(S5, dio->result) < dio->size && dio->rw == WRITE) {
		dio->waiter = current;
		should_wait = true;
	}
	if (ret == 0)
		ret = load_labelled(S6, dio->result);
	NAME(finished_one_bio)(dio); /* S7: if nobody waits, it may be gone now */
	unplug_queue(disk);
	if (should_wait)
		NAME(drain)(dio);
	return ret;
}

static long NAME(finish_sync)(struct dio *dio, long ret)
{
	NAME(finished_one_bio)(dio);
	unplug_queue(dio->target->disk);
	if (ret == 0)
		ret = dio->io_error;
	while (dio->bio_count) {
		long error = NAME(dio_bio_complete)(dio, NAME(dio_await_one)(dio));

		if (ret == 0)
			ret = error;
	}
	if (ret == 0)
		ret = clipped(dio, dio->result);
	/* An asynchronous write beyond the end: its caller expects that somebody reports it. */
	if (!is_sync_kiocb(dio->iocb) && dio->rw == WRITE && ret >= 0 && dio->result == dio->size)
		aio_complete(dio->iocb, ret, 0);
	dio_free(dio);
	return ret;
}

noinline long NAME(direct_io)(u32 rw, struct kiocb *iocb, const struct dio_target *target, u64 lin,
			      u64 bytes, u64 offset)
{
	struct dio *dio = dio_alloc(rw, iocb, target, lin, bytes, offset);
	long ret;

	dio->bio_submit = NAME(dio_bio_submit);
	dio->bio_reap = NAME(dio_bio_reap);
	dio->page_errors = 0;
	dio->bio_count = 1;
	spin_lock_init(&dio->bio_lock);
	dio->bio_list = NULL;
	dio->waiter = NULL;
	dio->is_async = dio_is_async(dio);
	dio->bios_in_flight = 0;
	dio->io_error = 0;
	store_labelled(S1, dio->result, 0);
	note_sleep(SMPBOX_SLEEP_DISK, dio, 0, 0);

	ret = do_direct_IO(dio); /* S2 */
	ADD_RESULT(dio, dio_mapped(dio));
	if (ret == -ENOTBLK && rw == WRITE)
		ret = 0;
	dio_finish_mapping(dio); /* S4 */
	return dio->is_async ? NAME(finish_async)(dio, ret) : NAME(finish_sync)(dio, ret);
}
