/* Request queues: what waits for a disk, and what a disk's driver offers. */
#ifndef QUEUE_H
#define QUEUE_H

#include "../arch/spinlock.h"
#include "bio.h"

#define SEGMENTS_MAX 30

struct queue_limits {
	u32 max_segments;
	u32 max_sectors;
};

struct request {
	struct list_head list;
	struct bio *bio;
	u64 sector;
	int error;
	u32 nr_segments;
	struct bio_vec segment[SEGMENTS_MAX];
};

struct request_queue {
	spinlock_t lock;
	struct list_head pending; /* in the order of submission: no elevator */
	struct queue_limits limits;
	/* Under the lock: gives the request to the disk; false when there is no room. */
	bool (*issue)(struct gendisk *disk, struct request *rq);
	/* Under the lock: tells the disk that there is something. */
	void (*kick)(struct gendisk *disk);
};

struct gendisk {
	struct request_queue queue;
	u32 number;
	u64 sectors;
	void *driver;
};

extern u32 nr_disks;
struct gendisk *disk_of(u32 number);

void queue_init(struct gendisk *disk);
struct request *request_alloc(struct bio *bio, u64 sector);
void queue_request(struct request *rq);
void unplug_queue(struct gendisk *disk);
void __unplug_queue(struct gendisk *disk);

/* From the interrupt handler, with interrupts off: the request goes to this CPU's softirq. */
void blk_complete_request(struct request *rq);
void bio_part_done(struct bio *bio);
void block_init(void);

#endif
