/* The decrement first, then the look; no lock. The submitter may see the count at 1, and free the
 * dio, before the look. */
#define VARIANT x3
#define PUT_AND_WAKE(dio) put_then_wake(dio)
#include "refcount.h"
