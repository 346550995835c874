/* The error is stored and read under bio_lock, and `result` is the submitter's alone. */
#define VARIANT f1
#define NOTE_ERROR(dio) note_error_locked(dio)
#define COLLECT(dio, flags) collect_locked(dio, flags)
#include "dio.h"

#include "../../sys/errno.h"

static __always_inline void note_error_locked(struct dio *dio)
{
	u64 flags = spin_lock_irqsave(&dio->bio_lock);

	store_labelled(D1, dio->io_error, -EIO);
	spin_unlock_irqrestore(&dio->bio_lock, flags);
}

static __always_inline s64 collect_locked(struct dio *dio, u64 flags)
{
	s64 result = load_labelled(f1, dio->result);
	s64 error = load_labelled(f2, dio->io_error);

	spin_unlock_irqrestore(&dio->bio_lock, flags);
	if (dio->rw == READ && dio->offset + result > dio->target->i_size)
		result = dio->target->i_size - dio->offset;
	return error ? error : result;
}

#include "count.h"
