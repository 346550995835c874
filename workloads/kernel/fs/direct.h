/* Direct reads and writes of a file or a disk, with what the page cache has to do with them. */
#ifndef DIRECT_H
#define DIRECT_H

#include "dio/dio.h"

struct page_cache;

/* Errors of a request that O_DIRECT does not take: not in sectors, or not in memory. */
long direct_check(u64 lin, u64 bytes, u64 position);

long direct_read(const struct dio_machine *machine, struct kiocb *iocb,
		 const struct dio_target *target, u64 lin, u64 bytes, u64 position);
/* What a machine leaves goes through `cache`. */
long direct_write(const struct dio_machine *machine, struct kiocb *iocb,
		  const struct dio_target *target, struct page_cache *cache, u64 lin, u64 bytes,
		  u64 position);

#endif
