/* Physical memory by pages. */
#ifndef PAGE_H
#define PAGE_H

#include "types.h"

void page_init(void);

/* `count` contiguous pages, zeroed. Running out is a panic: nothing here can give memory back. */
void *page_alloc(u32 count);
void page_free(void *pages, u32 count);

#endif
