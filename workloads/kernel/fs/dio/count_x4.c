/* Fences around everything that touches `result`. */
#define VARIANT x4
#define NOTE_ERROR(dio)                                                                            \
	do {                                                                                       \
		smp_mb();                                                                          \
		store_labelled(D1, (dio)->result, -EIO);                                           \
		smp_mb();                                                                          \
	} while (0)
#define ADD_RESULT(dio, bytes)                                                                     \
	do {                                                                                       \
		smp_mb();                                                                          \
		add_result(dio, bytes);                                                            \
		smp_mb();                                                                          \
	} while (0)
#include "count.h"
