/* No P3 and P4; Q3 is where it was. */
#define VARIANT x4
#define BEFORE_LOCK(iocb) ((void)0)
#include "kick.h"
