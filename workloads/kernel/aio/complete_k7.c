/* Variant k7: a full fence between A3 and B, the upstream repair. */
#define VARIANT k7
#define BETWEEN() smp_mb()
#include "complete.h"
