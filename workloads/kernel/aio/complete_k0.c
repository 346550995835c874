/* Variant k0: nothing between A3 and B, as in 2.6.24. Loses wake-ups. */
#define VARIANT k0
#include "complete.h"
