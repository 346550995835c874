/* Variant k10: the reference is dropped by a locked decrement, as if every put were the last
 * one: the accidental fence of the ordinary slow completion. */
#define VARIANT k10
#define DROP_USERS(req, users)                                                                     \
	do {                                                                                       \
		(void)(users);                                                                     \
		dec_locked_labelled(P, (req)->ki_users);                                           \
	} while (0)
#include "complete.h"
