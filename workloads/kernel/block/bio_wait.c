/* A bio that its submitter waits for. */
#include "../core/sched.h"
#include "../sys/errno.h"
#include "bio.h"
#include "queue.h"

struct bio_wait {
	spinlock_t lock; /* of `done`: its release is the completion's last access */
	struct task *task;
	u32 done;
	u32 uptodate;
};

static void wait_end_io(struct bio *bio)
{
	struct bio_wait *wait = bio->bi_private;

	spin_lock(&wait->lock);
	wait->uptodate = bio->bi_flags & BIO_UPTODATE;
	bio_put(bio);
	WRITE_ONCE(wait->done, 1);
	try_to_wake_up(wait->task, TASK_UNINTERRUPTIBLE);
	spin_unlock(&wait->lock);
}

long submit_bio_wait(struct bio *bio)
{
	struct bio_wait wait = { SPIN_LOCK_UNLOCKED, current, 0, 0 };
	struct gendisk *disk = bio->bi_disk;

	bio->bi_private = &wait;
	bio->bi_end_io = wait_end_io;
	note_sleep(SMPBOX_SLEEP_DISK, bio, 0, 0);
	submit_bio(bio);
	unplug_queue(disk);
	for (;;) {
		/* An exchange: `done` is read after the state is visible. */
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (READ_ONCE(wait.done))
			break;
		io_schedule();
	}
	set_current_state(TASK_RUNNING);
	/* The wake-up may still hold it. */
	spin_lock_irq(&wait.lock);
	spin_unlock_irq(&wait.lock);
	return wait.uptodate ? 0 : -EIO;
}
