#include "slab_debug.h"

#include "../boot/params.h"
#include "panic.h"
#include "string.h"

#define POISON_FREE 0x6b
#define POISON_NEW 0x5a
#define RED_FREE 0xbbbbbbbbbbbbbbbb
#define RED_USED 0xcccccccccccccccc

static bool slab_debug;

void slab_debug_init(void)
{
	slab_debug = param_number("slab_debug", 0);
}

void slab_debug_layout(struct kmem_cache *cache)
{
	u32 red = ALIGN_UP(cache->size, sizeof(u64));
	u32 size = ALIGN_UP(red + sizeof(u64) + sizeof(void *), cache->align);

	if (!slab_debug || size > PAGE_SIZE)
		return;
	cache->link = red + sizeof(u64);
	cache->size = size;
}

static u64 *red_zone(const struct kmem_cache *cache, void *object)
{
	return (u64 *)((u8 *)object + cache->link) - 1;
}

static size_t bytes_of(const struct kmem_cache *cache)
{
	return cache->link - sizeof(u64);
}

void slab_poison(const struct kmem_cache *cache, void *object)
{
	memset(object, POISON_FREE, bytes_of(cache));
	*red_zone(cache, object) = RED_FREE;
}

void slab_taken(const struct kmem_cache *cache, void *object)
{
	const u8 *bytes = object;

	for (size_t i = 0; i < bytes_of(cache); i++) {
		if (bytes[i] != POISON_FREE)
			panic("slab %s: %lx was written at +%lu while it was free", cache->name,
			      (u64)object, i);
	}
	if (*red_zone(cache, object) != RED_FREE)
		panic("slab %s: %lx was written past its end while it was free", cache->name,
		      (u64)object);
	memset(object, POISON_NEW, bytes_of(cache));
	*red_zone(cache, object) = RED_USED;
}

void slab_given_back(const struct kmem_cache *cache, void *object)
{
	u64 red = *red_zone(cache, object);

	if (red == RED_FREE)
		panic("slab %s: %lx is freed twice", cache->name, (u64)object);
	if (red != RED_USED)
		panic("slab %s: %lx was written past its end", cache->name, (u64)object);
	slab_poison(cache, object);
}
