/* Between 2.6.18 and 2.6.20: the count is atomic, and that was thought to be enough. */
#define VARIANT bug
#include "refcount.h"
