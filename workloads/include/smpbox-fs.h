/*
 * What the host reads of direct I/O, the journal and the slabs on a stopped machine: the symbol
 * `smpbox_fs` of the kernel. All offsets are bytes within their struct; fields are as wide as their
 * types in workloads/kernel say.
 */
#ifndef SMPBOX_FS_H
#define SMPBOX_FS_H

#define SMPBOX_FS_MAGIC 0x53464253 /* "SBFS" */

struct smpbox_fs {
	unsigned int magic, bytes;
	unsigned long journal; /* struct journal of the file system */
	unsigned long caches;  /* struct kmem_cache *[cache_limit], from 1 on */
	unsigned long pages;   /* u8[]: the cache that a page of physical memory belongs to, or 0 */
	unsigned int cache_limit, page_limit;
	struct {
		unsigned int bytes, size, result, refcount, waiter, bio_list, bio, is_async;
		unsigned int io_error, iocb, block_in_file, final_block_in_request;
		unsigned int cur_page_block, final_block_in_bio, next_block_for_io;
		unsigned int cur_page_len, first_block_in_page, blkbits, blkfactor;
		unsigned int total_pages, curr_page, head, tail, pages_in_io, offset;
	} dio;
	struct {
		unsigned int running, wait_locked, wait_updates, task;
		unsigned int t_state, t_updates, t_tid;
	} journal_at;
	struct {
		unsigned int name, size, list, list_stride, depot, link;
	} cache_at;
	struct {
		unsigned int bio_private, task_journal_info, handle_transaction;
	} other;
	struct {
		unsigned int bytes, next, prev;
	} aio_req;
};

#endif
