/* The repair of March 2006: an error of the completion has a word of its own, io_error. What stays:
 * a write that was cut short returns its count through S6 although one of its bios failed. */
#define VARIANT fix2006
#define NOTE_ERROR(dio) store_labelled(D1, (dio)->io_error, -EIO)
#define COLLECT(dio, flags)                                                                        \
	(spin_unlock_irqrestore(&(dio)->bio_lock, flags), result_or_error_read(dio))
#include "count.h"
