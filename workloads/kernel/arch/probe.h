/* Marks for the emulator: see include/smpbox.h. A labelled access is one machine access and,
 * because its asm clobbers memory, stays in program order with everything around it. */
#ifndef PROBE_H
#define PROBE_H

#include <smpbox.h>

#endif
