/*
 * Direct I/O: between a disk and the memory of a user, through no cache. A request is a struct dio:
 * map.c turns user pages and file blocks into bios, and one of two machines ends it.
 *
 *     count.h      bio_count under bio_lock, as up to 2.6.16: case 002
 *     refcount.h   one reference count, as from 2.6.20 on: case 003
 *
 * Each variant is a compiled copy of its machine (variants.c). Blocks are counted in units of
 * 1 << blkbits, which is a sector when the request is not aligned to blocks of the file system;
 * `blkfactor` is the difference. The fields from page_errors on are what submitter and completion
 * share: keep them together.
 *
 *       0 | where the mapping stands            the submitter's alone
 *     --- | page_errors, bio_count or refcount, bio_lock, bio_list, waiter
 *         | iocb, is_async, io_error, result
 *     --- | pages: a batch of the user's
 */
#ifndef DIO_H
#define DIO_H

#include "../../aio/aio.h"
#include "../../arch/probe.h"
#include "../../block/bio.h"

#define DIO_PAGES 64

enum dio_lock_type {
	DIO_LOCKING = 1, /* a file: who writes holds its i_mutex, and holes are the page cache's */
	DIO_NO_LOCKING,	 /* a disk: no lock, and no holes */
};

/* What a request is about: a file, or a whole disk. */
struct dio_target {
	struct gendisk *disk;
	u64 i_size;
	u32 i_blkbits;
	enum dio_lock_type lock_type;
	struct journal *journal; /* a write is within a handle of it; NULL: there is none */
	void *inode;
	/* The first of the contiguous disk blocks behind file block `block`, and how many of at
	 * most `max`; 0: there is none. */
	u32 (*get_block)(void *inode, u64 block, u32 max, u64 *disk_block);
};

struct dio {
	struct bio *bio; /* being filled */
	const struct dio_target *target;
	void (*bio_submit)(struct dio *dio);
	void (*bio_reap)(struct dio *dio); /* frees what has ended of a synchronous request */
	u32 rw;
	enum dio_lock_type lock_type;
	u32 blkbits;
	u32 blkfactor;
	u32 pages_in_io; /* an upper bound of the pages still to be put into bios */
	u64 offset;
	u64 size;
	u64 block_in_file;	    /* the next one to be mapped */
	u64 final_block_in_request; /* the one after the last */
	u64 blocks_available;	    /* mapped and not yet used, from next_block_for_io on */
	u64 next_block_for_io;	    /* of the disk */
	u64 final_block_in_bio;	    /* the one after the last */
	u32 first_block_in_page;
	u32 reap_counter; /* bios begun since bio_reap */
	u32 total_pages;
	u32 curr_page; /* fetched so far */
	u32 head, tail; /* of pages[]: the next one to be used, and the end */
	u64 curr_user_address; /* of the next page to be fetched, plus the buffer's offset in it */
	/* The last piece of a page, kept back because the next one may continue it. */
	u8 *cur_page;
	u32 cur_page_offset;
	u32 cur_page_len;
	u64 cur_page_block;

	u64 page_errors __cacheline_aligned;
	union {
		int bio_count; /* count.h */
		atomic_t refcount; /* refcount.h; there a plain int where bio_lock guards it */
	};
	spinlock_t bio_lock;
	struct bio *bio_list; /* ended, of a synchronous request; linked by bi_private */
	struct task *waiter;
	struct kiocb *iocb;
	u32 is_async;
	u32 bios_in_flight; /* count.h */
	s64 io_error;
	s64 result; /* bytes under way; before 2006 also the error */

	u8 *pages[DIO_PAGES] __cacheline_aligned;
};

/* Starts a request of whole sectors: bytes under way or transferred, -EIOCBQUEUED, or an error. */
typedef long direct_io_function(u32 rw, struct kiocb *iocb, const struct dio_target *target,
				u64 lin, u64 bytes, u64 offset);

/* A machine: how it starts a request, and what its result means to the caller of a write. */
struct dio_machine {
	const char *name;
	direct_io_function *direct_io;
	bool tells_queued; /* -EIOCBQUEUED is its own; else a full count means that */
};

/* Those of raw disks and of the file system, chosen at boot. */
extern const struct dio_machine *raw_dio, *fs_dio;
void dio_init(void);

/* The request without what the machine is to set: the fields from page_errors on. */
struct dio *dio_alloc(u32 rw, struct kiocb *iocb, const struct dio_target *target, u64 lin,
		      u64 bytes, u64 offset);
void dio_free(struct dio *dio);
/* Maps all of it and submits every bio but the last. -ENOTBLK: a write came to a hole. */
long do_direct_IO(struct dio *dio);
/* What do_direct_IO has got through, in bytes. */
u64 dio_mapped(const struct dio *dio);
/* The bios that have ended so far, linked by bi_private. */
struct bio *dio_take_ended(struct dio *dio);
/* The last bio, and the pages that were not used. */
void dio_finish_mapping(struct dio *dio);

static inline bool is_sync_kiocb(const struct kiocb *iocb)
{
	return !iocb->ki_ctx;
}

/* A write beyond the end is waited for: nobody may see the size before the data is there. */
static inline bool dio_is_async(const struct dio *dio)
{
	bool extends = dio->rw == WRITE && dio->offset + dio->size > dio->target->i_size;

	return !is_sync_kiocb(dio->iocb) && !extends;
}

#endif
