/* The same as it first was. The check looks into the dio after the submitter's reference is gone:
 * it may be free, or another request by now. */
#define VARIANT f0_bug_on
#define GET(dio) get_locked(dio)
#define PUT(dio) put_locked(dio)
#define PUT_AND_WAKE(dio) put_and_wake_locked(dio)
#define AFTER_PUT(dio, left) BUG_ON(!load_labelled(W11, (dio)->is_async) && (left) != 0)
#include "refcount.h"
