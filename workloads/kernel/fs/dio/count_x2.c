/* `result` by locked instructions: atomic, and used twice as before. */
#define VARIANT x2
#define NOTE_ERROR(dio) ((void)xchg_labelled(D1, (dio)->result, -EIO))
#define ADD_RESULT(dio, bytes) add_locked_labelled(S3, (dio)->result, bytes)
#include "count.h"
