/*
 * From a range of a file and the user's memory to bios. A write stops at the first hole, because
 * only the page cache can fill one; a read clears the memory there.
 */
#include "dio.h"

#include "../../block/queue.h"
#include "../../core/mm.h"
#include "../../core/panic.h"
#include "../../core/slab.h"
#include "../../core/string.h"
#include "../../sys/errno.h"

#define REAP_BIOS 64 /* a long synchronous request is not to hold all the memory for bios */
#define HOLE_PAGES 2 /* pages_in_io has room for clearing at both ends of a larger block */

static struct kmem_cache dio_cache = KMEM_CACHE(struct dio);

struct dio *dio_alloc(u32 rw, struct kiocb *iocb, const struct dio_target *target, u64 lin,
		      u64 bytes, u64 offset)
{
	struct dio *dio = kmem_cache_alloc(&dio_cache);
	u64 first = lin % PAGE_SIZE;

	memset(dio, 0, offsetof(struct dio, page_errors));
	dio->target = target;
	dio->rw = rw;
	dio->lock_type = target->lock_type;
	dio->offset = offset;
	dio->size = bytes;
	dio->blkbits = target->i_blkbits;
	if ((lin | bytes | offset) % (1ul << dio->blkbits)) {
		dio->blkbits = SECTOR_SHIFT;
		dio->blkfactor = target->i_blkbits - SECTOR_SHIFT;
		dio->pages_in_io = HOLE_PAGES;
	}
	dio->block_in_file = offset >> dio->blkbits;
	dio->final_block_in_request = dio->block_in_file + (bytes >> dio->blkbits);
	dio->first_block_in_page = first >> dio->blkbits;
	dio->total_pages = PAGE_ALIGN(first + bytes) / PAGE_SIZE;
	dio->pages_in_io += dio->total_pages;
	dio->curr_user_address = lin;
	dio->iocb = iocb;
	return dio;
}

/* The last access: the store tells the trace that the memory is no request any more. */
void dio_free(struct dio *dio)
{
	store_labelled(Df, dio->iocb, NULL);
	kmem_cache_free(&dio_cache, dio);
}

u64 dio_mapped(const struct dio *dio)
{
	return dio->size - ((dio->final_block_in_request - dio->block_in_file) << dio->blkbits);
}

struct bio *dio_take_ended(struct dio *dio)
{
	u64 flags = spin_lock_irqsave(&dio->bio_lock);
	struct bio *bio = dio->bio_list;

	dio->bio_list = NULL;
	spin_unlock_irqrestore(&dio->bio_lock, flags);
	return bio;
}

/* A batch of the user's pages. */
static bool refill_pages(struct dio *dio)
{
	struct mm *mm = &current->process->mm;
	u32 count = dio->total_pages - dio->curr_page;

	if (count > DIO_PAGES)
		count = DIO_PAGES;
	for (u32 i = 0; i < count; i++) {
		u8 *byte = mm_find(mm, dio->curr_user_address);

		if (!byte)
			return false;
		dio->pages[i] = byte - dio->curr_user_address % PAGE_SIZE;
		dio->curr_user_address += PAGE_SIZE;
	}
	dio->head = 0;
	dio->tail = count;
	dio->curr_page += count;
	return true;
}

static u8 *next_page(struct dio *dio)
{
	if (dio->head == dio->tail && !refill_pages(dio))
		return NULL;
	return dio->pages[dio->head++];
}

/* As much of the kept piece as the bio takes: all or nothing. */
static bool bio_takes_piece(struct dio *dio)
{
	struct bio *bio = dio->bio;
	u32 limit = dio->target->disk->queue.limits.max_sectors << SECTOR_SHIFT;

	if (bio->bi_size + dio->cur_page_len > limit)
		return false;
	if (!bio_add(bio, virt_to_phys(dio->cur_page) + dio->cur_page_offset, dio->cur_page_len))
		return false;
	if (dio->cur_page_offset + dio->cur_page_len == PAGE_SIZE)
		dio->pages_in_io--;
	dio->final_block_in_bio = dio->cur_page_block + (dio->cur_page_len >> dio->blkbits);
	return true;
}

static void new_bio(struct dio *dio)
{
	u64 sector = dio->cur_page_block << (dio->blkbits - SECTOR_SHIFT);

	if (dio->reap_counter++ == REAP_BIOS) {
		unplug_queue(dio->target->disk); /* or they will not end before all are there */
		dio->bio_reap(dio);
		dio->reap_counter = 1;
	}
	dio->bio = bio_alloc(dio->target->disk, dio->rw, sector);
	dio->bio->bi_private = dio;
}

static void submit(struct dio *dio)
{
	dio->bio_submit(dio);
	dio->bio = NULL;
}

static void send_cur_page(struct dio *dio)
{
	if (dio->bio && dio->final_block_in_bio != dio->cur_page_block)
		submit(dio);
	if (!dio->bio)
		new_bio(dio);
	if (!bio_takes_piece(dio)) {
		submit(dio);
		new_bio(dio);
		BUG_ON(!bio_takes_piece(dio));
	}
	dio->cur_page = NULL;
}

static void add_piece(struct dio *dio, u8 *page, u32 offset, u32 bytes)
{
	u64 end = dio->cur_page_block + (dio->cur_page_len >> dio->blkbits);

	if (dio->cur_page == page && dio->cur_page_offset + dio->cur_page_len == offset &&
	    end == dio->next_block_for_io) {
		dio->cur_page_len += bytes;
		return;
	}
	if (dio->cur_page)
		send_cur_page(dio);
	dio->cur_page = page;
	dio->cur_page_offset = offset;
	dio->cur_page_len = bytes;
	dio->cur_page_block = dio->next_block_for_io;
}

/* False: a hole of at least one block of the file. */
static bool map_blocks(struct dio *dio)
{
	const struct dio_target *target = dio->target;
	u64 inside = dio->block_in_file & ((1ul << dio->blkfactor) - 1);
	u64 wanted = dio->final_block_in_request - dio->block_in_file + inside;
	u64 blocks = (wanted + (1ul << dio->blkfactor) - 1) >> dio->blkfactor;
	u64 disk_block;
	u32 mapped = target->get_block(target->inode, dio->block_in_file >> dio->blkfactor, blocks,
				       &disk_block);

	if (!mapped)
		return false;
	dio->blocks_available = ((u64)mapped << dio->blkfactor) - inside;
	dio->next_block_for_io = (disk_block << dio->blkfactor) + inside;
	return true;
}

static u64 min_of(u64 a, u64 b)
{
	return a < b ? a : b;
}

long do_direct_IO(struct dio *dio)
{
	u32 blocks_per_page = PAGE_SIZE >> dio->blkbits;
	u32 block_in_page = dio->first_block_in_page;

	while (dio->block_in_file < dio->final_block_in_request) {
		u8 *page = next_page(dio);

		if (!page)
			return -EFAULT;
		while (block_in_page < blocks_per_page &&
		       dio->block_in_file < dio->final_block_in_request) {
			u32 offset = block_in_page << dio->blkbits;
			u64 chunk = 1;

			if (dio->blocks_available || map_blocks(dio)) {
				chunk = min_of(blocks_per_page - block_in_page,
					       dio->final_block_in_request - dio->block_in_file);
				chunk = min_of(chunk, dio->blocks_available);
				add_piece(dio, page, offset, chunk << dio->blkbits);
				dio->next_block_for_io += chunk;
				dio->blocks_available -= chunk;
			} else if (dio->rw == WRITE) {
				BUG_ON(dio->lock_type == DIO_NO_LOCKING);
				return -ENOTBLK;
			} else {
				memset(page + offset, 0, 1ul << dio->blkbits);
			}
			dio->block_in_file += chunk;
			block_in_page += chunk;
		}
		block_in_page = 0;
	}
	return 0;
}

void dio_finish_mapping(struct dio *dio)
{
	if (dio->cur_page)
		send_cur_page(dio);
	if (dio->bio)
		submit(dio);
	dio->head = dio->tail; /* nothing is pinned: memory of a process stays while it lives */
}
