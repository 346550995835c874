/* Block I/O: a bio names a run of sectors of a disk and the memory for them. */
#ifndef BIO_H
#define BIO_H

#include "../arch/atomic.h"
#include "../core/list.h"

#define SECTOR_SHIFT 9
#define SECTOR_SIZE 512
#define BIO_VECS_MAX 120 /* segments of one bio: a bio fits a page */

#define READ 0
#define WRITE 1

#define BIO_UPTODATE 1 /* bi_flags: no part failed */

struct gendisk;
struct bio;
typedef void (*bio_end_io_t)(struct bio *bio);

/* A run of bytes within a page. */
struct bio_vec {
	u64 bv_phys;
	u32 bv_len;
};

struct bio {
	u64 bi_sector;
	u32 bi_size; /* bytes */
	u32 bi_rw;
	u32 bi_flags;
	u32 bi_vcnt;
	struct gendisk *bi_disk;
	bio_end_io_t bi_end_io; /* in BLOCK_SOFTIRQ of the CPU that took the interrupt */
	void *bi_private;
	struct bio *bi_next;
	atomic_t bi_remaining; /* requests that carry a part of it */
	struct bio_vec bi_io_vec[BIO_VECS_MAX];
};

struct bio *bio_alloc(struct gendisk *disk, u32 rw, u64 sector);
void bio_put(struct bio *bio);

/* False: the bio is full. */
bool bio_add(struct bio *bio, u64 phys, u32 bytes);

/* Hands the bio to its disk's queue; unplug_queue() makes the disk begin. */
void submit_bio(struct bio *bio);
/* The same, the disk begins, and it returns when the bio has ended: 0 or -EIO. The bio is gone. */
long submit_bio_wait(struct bio *bio);

#endif
