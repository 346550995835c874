/* Variant k8: A3 by exchange: it is visible before B is read. */
#define VARIANT k8
#define STORE_TAIL()                                                                               \
	do {                                                                                       \
		store_labelled(A2, info->tail, tail);                                              \
		xchg_labelled(A3, ring->tail, tail);                                               \
	} while (0)
#include "complete.h"
