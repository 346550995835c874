/* Linux 2.6.13-rc3. */
#define VARIANT bug
#include "kick.h"
