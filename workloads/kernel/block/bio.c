/* Bios: their memory, and their way into requests of a size that the disk takes. */
#include "bio.h"

#include "../core/panic.h"
#include "../core/slab.h"
#include "queue.h"

static struct kmem_cache bio_cache = KMEM_CACHE(struct bio);

struct bio *bio_alloc(struct gendisk *disk, u32 rw, u64 sector)
{
	struct bio *bio = kmem_cache_alloc(&bio_cache);

	bio->bi_sector = sector;
	bio->bi_size = 0;
	bio->bi_rw = rw;
	bio->bi_flags = BIO_UPTODATE;
	bio->bi_vcnt = 0;
	bio->bi_disk = disk;
	bio->bi_end_io = NULL;
	bio->bi_private = NULL;
	bio->bi_next = NULL;
	return bio;
}

void bio_put(struct bio *bio)
{
	kmem_cache_free(&bio_cache, bio);
}

bool bio_add(struct bio *bio, u64 phys, u32 bytes)
{
	if (bio->bi_vcnt == BIO_VECS_MAX)
		return false;
	bio->bi_io_vec[bio->bi_vcnt++] = (struct bio_vec){ phys, bytes };
	bio->bi_size += bytes;
	return true;
}

/* The next request's segments: as many as the disk takes, whole sectors. */
static struct request *next_request(struct bio *bio, u32 *vec, u64 *sector)
{
	const struct queue_limits *limits = &bio->bi_disk->queue.limits;
	struct request *rq = request_alloc(bio, *sector);
	u32 bytes = 0;

	while (*vec < bio->bi_vcnt && rq->nr_segments < limits->max_segments) {
		const struct bio_vec *part = &bio->bi_io_vec[*vec];

		if (bytes + part->bv_len > limits->max_sectors << SECTOR_SHIFT)
			break;
		rq->segment[rq->nr_segments++] = *part;
		bytes += part->bv_len;
		++*vec;
	}
	/* A segment alone is never too long, and one that ends inside a sector is followed by
	 * one that completes it: give back until the sum is whole. */
	while (bytes % SECTOR_SIZE) {
		BUG_ON(!rq->nr_segments);
		bytes -= rq->segment[--rq->nr_segments].bv_len;
		--*vec;
	}
	BUG_ON(!bytes);
	*sector += bytes >> SECTOR_SHIFT;
	return rq;
}

/* The count is held by one more until the last part is queued: a part may end at once. */
void submit_bio(struct bio *bio)
{
	u64 sector = bio->bi_sector;
	u32 vec = 0;

	BUG_ON(!bio->bi_size || bio->bi_size % SECTOR_SIZE);
	atomic_set(&bio->bi_remaining, 1);
	while (vec < bio->bi_vcnt) {
		struct request *rq = next_request(bio, &vec, &sector);

		atomic_inc(&bio->bi_remaining);
		queue_request(rq);
	}
	bio_part_done(bio);
}

/* One part less; the last one ends the bio. */
void bio_part_done(struct bio *bio)
{
	if (atomic_dec_and_test(&bio->bi_remaining))
		bio->bi_end_io(bio);
}
