/* Variant k11: B under wait.lock. Taking it is a fence, and it orders B with the reaper's
 * insertion. */
#define VARIANT k11
#define CHECK_AND_WAKE() check_locked(ctx)
#include "complete.h"
