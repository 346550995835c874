/* Variant k3: reads ring.tail back before B. The load is answered by the store buffer. Loses
 * wake-ups. */
#define VARIANT k3
#define BETWEEN() ((void)READ_ONCE(ring->tail))
#include "complete.h"
