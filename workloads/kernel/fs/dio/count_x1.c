/* D1 and S3 under bio_lock: S3 does not overwrite an error any more, and that is all. */
#define VARIANT x1
#define NOTE_ERROR(dio) note_error_locked(dio)
#define ADD_RESULT(dio, bytes) add_result_locked(dio, bytes)
#include "dio.h"

#include "../../sys/errno.h"

static __always_inline void note_error_locked(struct dio *dio)
{
	u64 flags = spin_lock_irqsave(&dio->bio_lock);

	store_labelled(D1, dio->result, -EIO);
	spin_unlock_irqrestore(&dio->bio_lock, flags);
}

static __always_inline void add_result_locked(struct dio *dio, u64 bytes)
{
	u64 flags = spin_lock_irqsave(&dio->bio_lock);
	s64 result = load_labelled(S3, dio->result);

	store_labelled(S3, dio->result, result + (s64)bytes);
	spin_unlock_irqrestore(&dio->bio_lock, flags);
}

#include "count.h"
