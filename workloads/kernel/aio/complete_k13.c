/* Variant k13: nothing between A3 and B but the release of ctx_lock, which is an exchange.
 * Only where the look comes after the release. */
#define VARIANT k13
#define ONLY_LAYOUT_9_XCHG
#include "complete.h"
