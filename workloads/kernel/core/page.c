/*
 * Page allocator: memory is cut off the e820 map's regions in ascending order; freed runs are
 * kept in one list per length and used again for that length.
 */
#include "page.h"

#include "../arch/spinlock.h"
#include "../boot/params.h"
#include "panic.h"
#include "string.h"

#define RUN_MAX 32 /* lengths that are kept for reuse; the longest: requests of an aio_t */

struct free_run {
	struct free_run *next;
};

extern char kernel_end[];

static DEFINE_SPINLOCK(page_lock);
static struct free_run *free_runs[RUN_MAX + 1];
static u32 region; /* index into the e820 map */
static u64 next_phys;

/* The first address from `phys` on that is not the ramdisk's. */
static u64 skip_ramdisk(u64 phys, u64 bytes)
{
	u64 start = boot_info.ramdisk_phys, end = start + boot_info.ramdisk_size;

	return phys < end && phys + bytes > start ? PAGE_ALIGN(end) : phys;
}

static u64 cut(u64 bytes)
{
	for (; region < boot_info.e820_count; region++) {
		const struct e820_entry *entry = &boot_info.e820[region];
		u64 end = entry->start + entry->size;
		u64 phys = next_phys;

		if (entry->type != E820_RAM)
			continue;
		if (end > KERNEL_WINDOW)
			end = KERNEL_WINDOW;
		if (phys < entry->start)
			phys = PAGE_ALIGN(entry->start);
		phys = skip_ramdisk(phys, bytes);
		if (phys + bytes <= end) {
			next_phys = phys + bytes;
			return phys;
		}
	}
	panic("out of memory: %lu bytes wanted", bytes);
}

void page_init(void)
{
	/* Below the kernel are firmware's tables, among them those that parked CPUs still run on.
	 * */
	next_phys = virt_to_phys(kernel_end);
}

void *page_alloc(u32 count)
{
	struct free_run *run = NULL;
	u64 flags = spin_lock_irqsave(&page_lock);
	void *pages;

	if (count <= RUN_MAX && free_runs[count]) {
		run = free_runs[count];
		free_runs[count] = run->next;
	}
	pages = run ? run : phys_to_virt(cut((u64)count * PAGE_SIZE));
	spin_unlock_irqrestore(&page_lock, flags);
	return memset(pages, 0, (u64)count * PAGE_SIZE);
}

void page_free(void *pages, u32 count)
{
	struct free_run *run = pages;
	u64 flags;

	BUG_ON(count > RUN_MAX);
	flags = spin_lock_irqsave(&page_lock);
	run->next = free_runs[count];
	free_runs[count] = run;
	spin_unlock_irqrestore(&page_lock, flags);
}
