/*
 * From a request to the disk and back. Requests wait in the queue until it is unplugged, so that a
 * driver is told once of many. A finished one goes on the done list of the CPU that took the
 * interrupt, and is ended there by BLOCK_SOFTIRQ.
 */
#include "queue.h"

#include "../arch/cpu.h"
#include "../core/panic.h"
#include "../core/slab.h"
#include "../core/softirq.h"

static struct kmem_cache request_cache = KMEM_CACHE(struct request);
static struct list_head blk_cpu_done[CPUS_MAX];

struct request *request_alloc(struct bio *bio, u64 sector)
{
	struct request *rq = kmem_cache_alloc(&request_cache);

	INIT_LIST_HEAD(&rq->list);
	rq->bio = bio;
	rq->sector = sector;
	rq->error = 0;
	rq->nr_segments = 0;
	return rq;
}

void queue_request(struct request *rq)
{
	struct request_queue *queue = &rq->bio->bi_disk->queue;
	u64 flags = spin_lock_irqsave(&queue->lock);

	list_add_tail(&rq->list, &queue->pending);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* Gives the disk what it has room for. Under the lock. */
void __unplug_queue(struct gendisk *disk)
{
	struct request_queue *queue = &disk->queue;
	bool issued = false;

	while (!list_empty(&queue->pending)) {
		struct request *rq = list_first_entry(&queue->pending, struct request, list);

		if (!queue->issue(disk, rq))
			break;
		list_del_init(&rq->list);
		issued = true;
	}
	if (issued)
		queue->kick(disk);
}

void unplug_queue(struct gendisk *disk)
{
	u64 flags = spin_lock_irqsave(&disk->queue.lock);

	__unplug_queue(disk);
	spin_unlock_irqrestore(&disk->queue.lock, flags);
}

void blk_complete_request(struct request *rq)
{
	list_add_tail(&rq->list, &blk_cpu_done[this_cpu()->number]);
	raise_softirq_irqoff(BLOCK_SOFTIRQ);
}

static void blk_done_softirq(void)
{
	struct list_head *done = &blk_cpu_done[this_cpu()->number];

	for (;;) {
		struct request *rq = NULL;
		struct bio *bio;
		u64 flags = irq_save();

		if (!list_empty(done)) {
			rq = list_first_entry(done, struct request, list);
			list_del_init(&rq->list);
		}
		irq_restore(flags);
		if (!rq)
			return;
		bio = rq->bio;
		if (rq->error)
			bio->bi_flags &= ~BIO_UPTODATE;
		kmem_cache_free(&request_cache, rq);
		bio_part_done(bio);
	}
}

void queue_init(struct gendisk *disk)
{
	spin_lock_init(&disk->queue.lock);
	INIT_LIST_HEAD(&disk->queue.pending);
}

void block_init(void)
{
	for (u32 cpu = 0; cpu < CPUS_MAX; cpu++)
		INIT_LIST_HEAD(&blk_cpu_done[cpu]);
	open_softirq(BLOCK_SOFTIRQ, blk_done_softirq);
}
