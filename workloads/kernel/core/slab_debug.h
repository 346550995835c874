/*
 * slab_debug=1: poison and red zones. A slot is then
 *
 *     object, filled while it is free | red zone | link to the next free one
 *
 * and who writes to a free object, or past the end of one, is found when it changes hands next.
 * What is read from a free object is no address: to follow it faults. A cache whose slots would
 * not fit a page stays as it is.
 */
#ifndef SLAB_DEBUG_H
#define SLAB_DEBUG_H

#include "slab.h"

/* Before the first object is allocated. */
void slab_debug_init(void);

/* Makes room for the red zone and the link, before the cache has its first page. */
void slab_debug_layout(struct kmem_cache *cache);

/* Of a cache with `link`: a free object; one that is about to be used; one that was. */
void slab_poison(const struct kmem_cache *cache, void *object);
void slab_taken(const struct kmem_cache *cache, void *object);
void slab_given_back(const struct kmem_cache *cache, void *object);

#endif
