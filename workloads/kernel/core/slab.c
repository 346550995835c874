/* A free object's first word links it to the next one. A CPU whose list is empty cuts up a new
 * page; objects freed on another CPU than they came from stay there. */
#include "slab.h"

#include "../arch/cpu.h"
#include "page.h"
#include "panic.h"

static void *refill(struct kmem_cache *cache)
{
	u8 *page = page_alloc(1);
	void *list = NULL;
	u32 count;

	BUG_ON(cache->size > PAGE_SIZE || cache->size < sizeof(void *));
	BUG_ON(cache->size % cache->align);
	/* The first object ends up at the head of the list. */
	for (count = PAGE_SIZE / cache->size; count--;) {
		void **object = (void **)(page + count * cache->size);

		*object = list;
		list = object;
	}
	return list;
}

void *kmem_cache_alloc(struct kmem_cache *cache)
{
	u64 flags = irq_save();
	struct slab_list *list = &cache->list[this_cpu()->number];
	void **object;

	if (!list->free)
		list->free = refill(cache);
	object = list->free;
	list->free = *object;
	irq_restore(flags);
	return object;
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
	u64 flags = irq_save();
	struct slab_list *list = &cache->list[this_cpu()->number];

	*(void **)object = list->free;
	list->free = object;
	irq_restore(flags);
}
