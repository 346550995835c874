/* Fills the block of include/smpbox-fs.h, all of it by the compiler. */
#include <smpbox-fs.h>

#include "../aio/illumos/illumos.h"
#include "../block/bio.h"
#include "../core/slab.h"
#include "dio/dio.h"
#include "journal.h"
#include "minifs.h"

#define OF(field) .field = offsetof(struct dio, field)

const struct smpbox_fs smpbox_fs = {
	.magic = SMPBOX_FS_MAGIC,
	.bytes = sizeof(struct smpbox_fs),
	.journal = (unsigned long)&fs_journal,
	.caches = (unsigned long)slab_caches,
	.pages = (unsigned long)slab_pages,
	.cache_limit = SLAB_CACHES_MAX,
	.page_limit = KERNEL_WINDOW / PAGE_SIZE,
	.dio = {
		.bytes = sizeof(struct dio),
		OF(size), OF(result), OF(refcount), OF(waiter), OF(bio_list), OF(bio), OF(is_async),
		OF(io_error), OF(iocb), OF(block_in_file), OF(final_block_in_request),
		OF(cur_page_block), OF(final_block_in_bio), OF(next_block_for_io),
		OF(cur_page_len), OF(first_block_in_page), OF(blkbits), OF(blkfactor),
		OF(total_pages), OF(curr_page), OF(head), OF(tail), OF(pages_in_io), OF(offset),
	},
	.journal_at = {
		.running = offsetof(struct journal, j_running_transaction),
		.wait_locked = offsetof(struct journal, j_wait_transaction_locked.task_list),
		.wait_updates = offsetof(struct journal, j_wait_updates.task_list),
		.task = offsetof(struct journal, j_task),
		.t_state = offsetof(struct transaction, t_state),
		.t_updates = offsetof(struct transaction, t_updates),
		.t_tid = offsetof(struct transaction, t_tid),
	},
	.cache_at = {
		.name = offsetof(struct kmem_cache, name),
		.size = offsetof(struct kmem_cache, size),
		.list = offsetof(struct kmem_cache, list),
		.list_stride = sizeof(struct slab_list),
		.depot = offsetof(struct kmem_cache, depot),
		.link = offsetof(struct kmem_cache, link),
	},
	.other = {
		.bio_private = offsetof(struct bio, bi_private),
		.task_journal_info = offsetof(struct task, journal_info),
		.handle_transaction = offsetof(struct handle, h_transaction),
	},
	.aio_req = {
		.bytes = sizeof(struct aio_req),
		.next = offsetof(struct aio_req, aio_req_next),
		.prev = offsetof(struct aio_req, aio_req_prev),
	},
};
