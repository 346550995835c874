/* The completion reports errors, too: also that which the submitter has seen at S6 and reports. */
#define VARIANT x3
#define REPORTS(dio, result)                                                                       \
	((result) == (dio)->size || (result) < 0 || ((dio)->rw == READ && (result)))
#include "count.h"
