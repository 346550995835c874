/* 2.6.20, "lock refcount operations", with what was removed later: see refcount_f0_bug_on.c. */
#define VARIANT f0
#define GET(dio) get_locked(dio)
#define PUT(dio) put_locked(dio)
#define PUT_AND_WAKE(dio) put_and_wake_locked(dio)
#include "refcount.h"
