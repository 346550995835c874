/* Variant k0: nothing between A3 and B, as in 2.6.24. Loses wake-ups. */
#define AIO_COMPLETE aio_complete__k0
#define FENCE_AFTER_PUT() barrier()
#include "complete.h"
