/* Variant k7: a full fence between A3 and B, the upstream repair. */
#define AIO_COMPLETE aio_complete__k7
#define FENCE_AFTER_PUT() smp_mb()
#include "complete.h"
