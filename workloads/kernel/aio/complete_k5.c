/* Variant k5: a full fence after B, when the look is over. Loses wake-ups. */
#define VARIANT k5
#define AFTER_CHECK() smp_mb()
#include "complete.h"
