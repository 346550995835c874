/* Address spaces. */
#ifndef MM_H
#define MM_H

#include "task.h"

void mm_init(struct mm *mm);

/* Maps the page at kernel address `page` for the user at `lin`. */
void mm_map_page(struct mm *mm, u64 lin, const void *page, bool writable);

/* The kernel address of what the user sees at `lin`, or NULL. */
void *mm_find(const struct mm *mm, u64 lin);

/* A thread of the kernel works in the address space `mm` until unuse_mm(). */
void use_mm(struct mm *mm);
void unuse_mm(void);

/* Maps contiguous zeroed pages at an address of the kernel's choice; gives both views of them. */
u64 mm_map_new(struct mm *mm, u32 pages, void **kernel_view);

#endif
