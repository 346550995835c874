/*
 * A word of a free object links it to the next one. A CPU whose list is empty takes a batch from
 * the cache's depot, or cuts up a new page. A CPU whose list grows too long gives a batch back:
 * where one CPU allocates and another frees, the objects go round and memory does not run out.
 *
 * The allocator's accesses to that word are labelled, so the trace shows each object's life: from
 * SA, its address, to SF. Between SF and the next SA nobody but the allocator (SL) may touch it.
 */
#include "slab.h"

#include "../arch/cpu.h"
#include "../arch/probe.h"
#include "page.h"
#include "panic.h"
#include "slab_debug.h"

#define BATCH 16

struct kmem_cache *slab_caches[SLAB_CACHES_MAX];
u8 slab_pages[KERNEL_WINDOW / PAGE_SIZE];
static DEFINE_SPINLOCK(slab_caches_lock);
static u32 nr_slab_caches = 1; /* 0: no cache */

/* Interrupts are off. */
static void note_page(struct kmem_cache *cache, const void *page)
{
	spin_lock(&slab_caches_lock);
	if (!cache->id) {
		BUG_ON(nr_slab_caches == SLAB_CACHES_MAX);
		slab_debug_layout(cache);
		cache->id = nr_slab_caches++;
		slab_caches[cache->id] = cache;
	}
	spin_unlock(&slab_caches_lock);
	slab_pages[virt_to_phys(page) / PAGE_SIZE] = cache->id;
}

static void **link_of(const struct kmem_cache *cache, void *object)
{
	return (void **)((u8 *)object + cache->link);
}

/* `count` objects of a new page, the first one at the head. */
static void *cut_page(struct kmem_cache *cache, u32 *count)
{
	u8 *page = page_alloc(1);
	void *list = NULL;

	BUG_ON(cache->size > PAGE_SIZE || cache->size < sizeof(void *));
	BUG_ON(cache->size % cache->align);
	note_page(cache, page);
	*count = PAGE_SIZE / cache->size;
	for (u32 i = *count; i--;) {
		void *object = page + i * cache->size;

		if (cache->link)
			slab_poison(cache, object);
		*link_of(cache, object) = list;
		list = object;
	}
	return list;
}

/* Moves up to BATCH objects from the head of one list to the head of the other. */
static void move(const struct kmem_cache *cache, struct slab_list *from, struct slab_list *to)
{
	for (u32 i = 0; i < BATCH && from->free; i++) {
		void *object = from->free;

		from->free = load_labelled(SL, *link_of(cache, object));
		from->count--;
		store_labelled(SL, *link_of(cache, object), to->free);
		to->free = object;
		to->count++;
	}
}

static void refill(struct kmem_cache *cache, struct slab_list *list)
{
	/* A look without the lock: if it is wrong, a page too many is cut, or none yet. */
	if (READ_ONCE(cache->depot.free)) {
		spin_lock(&cache->lock);
		move(cache, &cache->depot, list);
		spin_unlock(&cache->lock);
	}
	if (!list->free)
		list->free = cut_page(cache, &list->count);
}

void *kmem_cache_alloc(struct kmem_cache *cache)
{
	u64 flags = irq_save();
	struct slab_list *list = &cache->list[this_cpu()->number];
	void *object;

	if (!list->free)
		refill(cache, list);
	object = list->free;
	list->free = load_labelled(SA, *link_of(cache, object));
	list->count--;
	if (unlikely(cache->link))
		slab_taken(cache, object);
	irq_restore(flags);
	return object;
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
	u64 flags = irq_save();
	struct slab_list *list = &cache->list[this_cpu()->number];

	if (unlikely(cache->link))
		slab_given_back(cache, object);
	store_labelled(SF, *link_of(cache, object), list->free);
	list->free = object;
	if (unlikely(++list->count > 2 * BATCH + PAGE_SIZE / cache->size)) {
		spin_lock(&cache->lock);
		move(cache, list, &cache->depot);
		spin_unlock(&cache->lock);
	}
	irq_restore(flags);
}
