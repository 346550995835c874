/* Forms of the free list. */
#ifndef FREELIST_H
#define FREELIST_H

#include "illumos.h"

struct aio_req *aio_req_alloc(struct aio *aio);
void aio_req_free(struct aio *aio, struct aio_req *req);
struct aio_req *aio_req_alloc_fifo(struct aio *aio);
void aio_req_free_fifo(struct aio *aio, struct aio_req *req);
struct aio_req *aio_req_alloc_clean(struct aio *aio);
void aio_req_free_clean(struct aio *aio, struct aio_req *req);
struct aio_req *aio_req_alloc_dirty(struct aio *aio);

#endif
