/*
 * The machine of 2.6.20, and of the kernels that it was taken back to: the template of case 003's
 * variants. One reference count, one for the submitter and one for each bio; who drops the last one
 * reports, once. A write that was cut short is waited for (W), so its bio drops the count to 1 and
 * has to wake the submitter (E). A variant's file defines VARIANT, and of the hooks below those in
 * which it differs from `bug`, and includes this.
 *
 * In `bug` the completion looks for a waiter (E1) before it drops its reference (E2), and takes no
 * lock. The submitter, who holds bio_lock, sees the count at 2, and then says that it waits:
 *
 *     submitter   W6: 2                      W7: waiter, W8: sleeps
 *     completion          E1: no waiter                               E2: 1, nobody to be woken
 *
 * The submitter has interrupts off from W3 to W7, so the interrupt must come on another CPU.
 */
#include "dio.h"

#include "../../block/queue.h"
#include "../../core/panic.h"
#include "../../core/sched.h"
#include "../../sys/errno.h"

#ifndef GET /* a reference for a bio */
#define GET(dio) atomic_inc(&(dio)->refcount)
#endif
#ifndef PUT /* the submitter's; how many are left */
#define PUT(dio) (atomic_add_return(-1, &(dio)->refcount))
#endif
#ifndef PUT_AND_WAKE /* a bio's: E1 to E3; how many are left */
#define PUT_AND_WAKE(dio) put_and_wake(dio)
#endif
#ifndef WAIT /* W5 to W8: bio_lock is held, W4 has found that there is something to wait for */
#define WAIT(dio, flags) wait_checked(dio, flags)
#endif
#ifndef AFTER_PUT
#define AFTER_PUT(dio, left) ((void)0)
#endif

#define PASTE(a, b) a##__##b
#define EXPAND(a, b) PASTE(a, b)
#define NAME(function) EXPAND(function, VARIANT)

/* Plain ints where bio_lock guards them. */
static __always_inline void get_locked(struct dio *dio)
{
	u64 flags = spin_lock_irqsave(&dio->bio_lock);

	dio->refcount.counter++;
	spin_unlock_irqrestore(&dio->bio_lock, flags);
}

static __always_inline int put_locked(struct dio *dio)
{
	u64 flags = spin_lock_irqsave(&dio->bio_lock);
	int left = --dio->refcount.counter;

	spin_unlock_irqrestore(&dio->bio_lock, flags);
	return left;
}

/* The repair: decrement, look and wake are one. The release is the last access to the dio. */
static __always_inline int put_and_wake_locked(struct dio *dio)
{
	u64 flags = spin_lock_irqsave(&dio->bio_lock);
	int left = load_labelled(E2, dio->refcount.counter) - 1;

	store_labelled(E2, dio->refcount.counter, left);
	if (left == 1 && load_labelled(E1, dio->waiter))
		try_to_wake_up(dio->waiter, TASK_NORMAL);
	spin_unlock_irqrestore(&dio->bio_lock, flags);
	return left;
}

static __always_inline int put_and_wake(struct dio *dio)
{
	bool holds = load_labelled(E1, dio->waiter) != NULL;
	int left = add_locked_labelled(E2, dio->refcount.counter, -1) - 1;

	if (left == 1 && holds)
		try_to_wake_up(load_labelled(E3, dio->waiter), TASK_NORMAL);
	return left;
}

/* Without a lock, and after the decrement: the dio may be gone. */
static __always_inline int put_then_wake(struct dio *dio)
{
	int left = add_locked_labelled(E2, dio->refcount.counter, -1) - 1;
	struct task *waiter;

	if (left == 1) {
		waiter = load_labelled(E3, dio->waiter);
		if (waiter)
			try_to_wake_up(waiter, TASK_NORMAL);
	}
	return left;
}

static __always_inline void sleep_unlocked(struct dio *dio, u64 *flags)
{
	spin_unlock_irqrestore(&dio->bio_lock, *flags);
	io_schedule(); /* W8 */
	*flags = spin_lock_irqsave(&dio->bio_lock);
}

static __always_inline void wait_checked(struct dio *dio, u64 *flags)
{
	xchg_labelled(W5, current->state, (u64)TASK_UNINTERRUPTIBLE);
	if (load_labelled(W6, dio->refcount.counter) > 1 && !READ_ONCE(dio->bio_list)) {
		store_labelled(W7, dio->waiter, current);
		sleep_unlocked(dio, flags);
		WRITE_ONCE(dio->waiter, NULL);
	}
	set_current_state(TASK_RUNNING);
}

static void NAME(dio_bio_complete)(struct dio *dio, struct bio *bio)
{
	if (!(bio->bi_flags & BIO_UPTODATE))
		store_labelled(D1, dio->io_error, -EIO);
	bio_put(bio);
}

/* What the last one reports. */
static long NAME(dio_complete)(struct dio *dio, long ret)
{
	s64 transferred = dio->result;

	if (dio->rw == READ && dio->offset + transferred > dio->target->i_size)
		transferred = dio->target->i_size - dio->offset;
	/* All bios were done before the submitter dropped its reference. */
	if (ret == -EIOCBQUEUED)
		ret = 0;
	if (ret == 0)
		ret = (long)dio->page_errors;
	if (ret == 0)
		ret = dio->io_error;
	return ret ? ret : transferred;
}

static noinline void NAME(dio_bio_end_aio)(struct bio *bio)
{
	struct dio *dio = bio->bi_private;

	NAME(dio_bio_complete)(dio, bio); /* E0 */
	if (PUT_AND_WAKE(dio) == 0) {
		aio_complete(dio->iocb, NAME(dio_complete)(dio, 0), 0);
		dio_free(dio);
	}
}

/* Of a synchronous request: the submitter does the rest. */
static void NAME(dio_bio_end_io)(struct bio *bio)
{
	struct dio *dio = bio->bi_private;
	u64 flags = spin_lock_irqsave(&dio->bio_lock);

	bio->bi_private = dio->bio_list;
	dio->bio_list = bio;
	if (atomic_add_return(-1, &dio->refcount) == 1 && dio->waiter)
		try_to_wake_up(dio->waiter, TASK_NORMAL);
	spin_unlock_irqrestore(&dio->bio_lock, flags);
}

static void NAME(dio_bio_submit)(struct dio *dio)
{
	struct bio *bio = dio->bio;

	bio->bi_end_io = dio->is_async ? NAME(dio_bio_end_aio) : NAME(dio_bio_end_io);
	GET(dio);
	submit_bio(bio);
}

static void NAME(dio_bio_reap)(struct dio *dio)
{
	struct bio *bio = dio_take_ended(dio);

	while (bio) {
		struct bio *next = bio->bi_private;

		NAME(dio_bio_complete)(dio, bio);
		bio = next;
	}
}

static noinline struct bio *NAME(dio_await_one)(struct dio *dio)
{
	u64 flags = spin_lock_irqsave(&dio->bio_lock); /* W3 */
	struct bio *bio;

	while (load_labelled(W4, dio->refcount.counter) > 1 && !READ_ONCE(dio->bio_list))
		WAIT(dio, &flags);
	bio = dio->bio_list;
	if (bio)
		dio->bio_list = bio->bi_private;
	spin_unlock_irqrestore(&dio->bio_lock, flags); /* W9 */
	return bio;
}

noinline long NAME(direct_io_refcount)(u32 rw, struct kiocb *iocb, const struct dio_target *target,
				       u64 lin, u64 bytes, u64 offset)
{
	struct dio *dio = dio_alloc(rw, iocb, target, lin, bytes, offset);
	struct bio *bio;
	long ret;
	int left;

	dio->bio_submit = NAME(dio_bio_submit);
	dio->bio_reap = NAME(dio_bio_reap);
	dio->page_errors = 0;
	atomic_set(&dio->refcount, 1);
	spin_lock_init(&dio->bio_lock);
	dio->bio_list = NULL;
	dio->waiter = NULL;
	dio->is_async = dio_is_async(dio);
	dio->bios_in_flight = 0;
	dio->io_error = 0;
	store_labelled(S1, dio->result, 0);
	note_sleep(SMPBOX_SLEEP_DISK, dio, 0, 0);

	ret = do_direct_IO(dio); /* W1 */
	dio->result += dio_mapped(dio);
	if (ret == -ENOTBLK && rw == WRITE)
		ret = 0;
	dio_finish_mapping(dio);
	unplug_queue(target->disk);

	/* W2: what is under way as a whole is reported by whoever ends last. */
	if (dio->is_async && ret == 0 && dio->result && (rw == READ || dio->result == dio->size))
		ret = -EIOCBQUEUED;
	if (ret != -EIOCBQUEUED) {
		while ((bio = NAME(dio_await_one)(dio)))
			NAME(dio_bio_complete)(dio, bio);
	}
	left = PUT(dio);
	AFTER_PUT(dio, left);
	if (left == 0) {
		ret = NAME(dio_complete)(dio, ret);
		dio_free(dio);
	} else {
		BUG_ON(ret != -EIOCBQUEUED);
	}
	return ret;
}
