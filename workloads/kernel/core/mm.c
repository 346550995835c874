/*
 * User page tables: 4-level, 4 KiB pages (SDM Vol. 3A, "4-Level Paging"). Pages are present,
 * accessed and dirty from the start: nothing is paged in later and no page walk ever stores.
 * There is no unmapping, so no translation is ever stale on another CPU.
 */
#include "mm.h"

#include "page.h"
#include "panic.h"
#include "string.h"

#define PTE_P 0x01
#define PTE_RW 0x02
#define PTE_US 0x04
#define PTE_A 0x20
#define PTE_D 0x40
#define PTE_ADDRESS 0x000ffffffffff000
#define PTE_TABLE (PTE_P | PTE_RW | PTE_US | PTE_A)

#define LEVELS 4
#define PML4_KERNEL 511

extern u64 boot_pml4[];

void mm_init(struct mm *mm)
{
	mm->pgd = page_alloc(1);
	/* The kernel's half is the same tables in every address space. */
	mm->pgd[PML4_KERNEL] = boot_pml4[PML4_KERNEL];
	mm->mmap_next = USER_MMAP_BASE;
	spin_lock_init(&mm->lock);
	rwlock_init(&mm->ioctx_list_lock);
}

/* The page-table entry of `lin`; tables on the way are made if `make` says so. */
static u64 *find_pte(const struct mm *mm, u64 lin, bool make)
{
	u64 *table = mm->pgd;

	for (u32 level = LEVELS - 1; level; level--) {
		u64 *entry = &table[lin >> (PAGE_SHIFT + 9 * level) & 511];

		if (!(*entry & PTE_P)) {
			if (!make)
				return NULL;
			*entry = virt_to_phys(page_alloc(1)) | PTE_TABLE;
		}
		table = phys_to_virt(*entry & PTE_ADDRESS);
	}
	return &table[lin >> PAGE_SHIFT & 511];
}

void mm_map_page(struct mm *mm, u64 lin, const void *page, bool writable)
{
	u64 *pte = find_pte(mm, lin, true);

	BUG_ON(lin >= USER_END || lin % PAGE_SIZE || *pte & PTE_P);
	*pte = virt_to_phys(page) | PTE_P | PTE_US | PTE_A | PTE_D | (writable ? PTE_RW : 0);
}

void *mm_find(const struct mm *mm, u64 lin)
{
	const u64 *pte = find_pte(mm, lin, false);

	if (!pte || !(*pte & PTE_P))
		return NULL;
	return phys_to_virt((*pte & PTE_ADDRESS) + lin % PAGE_SIZE);
}

u64 mm_map_new(struct mm *mm, u32 pages, void **kernel_view)
{
	u8 *memory = page_alloc(pages);
	u64 flags = spin_lock_irqsave(&mm->lock);
	u64 lin = mm->mmap_next;

	for (u32 i = 0; i < pages; i++)
		mm_map_page(mm, lin + i * PAGE_SIZE, memory + i * PAGE_SIZE, true);
	mm->mmap_next += (u64)pages * PAGE_SIZE;
	spin_unlock_irqrestore(&mm->lock, flags);
	*kernel_view = memory;
	return lin;
}

/* The scheduler loads pgd_phys whenever this thread gets the CPU back. */
void use_mm(struct mm *mm)
{
	u64 flags = irq_save();

	current->pgd_phys = virt_to_phys(mm->pgd);
	if (read_cr3() != current->pgd_phys)
		write_cr3(current->pgd_phys);
	irq_restore(flags);
}

/* The page tables stay until another task brings its own. */
void unuse_mm(void)
{
	WRITE_ONCE(current->pgd_phys, 0);
}
