/* Variant k4: a full fence before A2 and A3, not after. Loses wake-ups. */
#define VARIANT k4
#define BEFORE_TAIL() smp_mb()
#include "complete.h"
