/* Variant a: the state by exchange, after the entry is in the list: 2.6.24. Right. */
#define VARIANT a
#include "read_events.h"
