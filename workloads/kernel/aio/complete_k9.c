/* Variant k9: a plain A3, then ring_info.tail by exchange: any locked access between A3 and B
 * will do. */
#define VARIANT k9
#define STORE_TAIL()                                                                               \
	do {                                                                                       \
		store_labelled(A3, ring->tail, tail);                                              \
		xchg_labelled(A2, info->tail, tail);                                               \
	} while (0)
#include "complete.h"
