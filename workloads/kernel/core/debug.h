/* The block that the host reads: include/smpbox-debug.h. */
#ifndef DEBUG_H
#define DEBUG_H

#include <smpbox-debug.h>

#include "types.h"

extern struct smpbox_debug smpbox_debug;

/* Says that booting is over, on how many CPUs and with which variants. */
void debug_booted(u32 variant_001k);

#endif
