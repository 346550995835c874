/* Linux 2.6.9 to 2.6.16-rc. */
#define VARIANT bug
#include "count.h"
