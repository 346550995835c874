/*
 * Typed object caches. Each CPU has its own list of free objects, reached with interrupts off and
 * without a lock, so an allocation neither fences nor shares a line with another CPU, as long as
 * what a CPU allocates it also frees. Objects are cache-line aligned when their type is.
 */
#ifndef SLAB_H
#define SLAB_H

#include "../arch/spinlock.h"
#include "types.h"

struct slab_list {
	void *free;
	u32 count;
} __cacheline_aligned;

struct kmem_cache {
	const char *name;
	u32 size; /* of a slot: a multiple of the alignment, at most a page */
	u32 align;
	u32 link; /* where in a free slot the next one stands; not 0: slab_debug.h checks them */
	struct slab_list list[CPUS_MAX];
	struct slab_list depot; /* of all CPUs, under the lock */
	spinlock_t lock;
	u8 id; /* its place in slab_caches, once it has a page */
};

/* For the host: which page belongs to which cache. */
extern struct kmem_cache *slab_caches[SLAB_CACHES_MAX];
extern u8 slab_pages[KERNEL_WINDOW / PAGE_SIZE];

#define KMEM_CACHE(type)                                                                           \
	{                                                                                          \
		.name = #type, .size = sizeof(type), .align = _Alignof(type),                      \
		.lock = SPIN_LOCK_UNLOCKED                                                         \
	}

/* Not zeroed. */
void *kmem_cache_alloc(struct kmem_cache *cache);
void kmem_cache_free(struct kmem_cache *cache, void *object);

#endif
