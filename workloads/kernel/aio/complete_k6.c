/* Variant k6: ring_info.tail by exchange, then a plain A3: the fence is one store too early.
 * Loses wake-ups. */
#define VARIANT k6
#define STORE_TAIL()                                                                               \
	do {                                                                                       \
		xchg_labelled(A2, info->tail, tail);                                               \
		store_labelled(A3, ring->tail, tail);                                              \
	} while (0)
#include "complete.h"
