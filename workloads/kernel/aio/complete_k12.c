/* Variant k12: no look at the queue: every completion takes wait.lock and walks it. */
#define VARIANT k12
#define CHECK_AND_WAKE() (wake_up(&ctx->wait), (struct list_head *)NULL)
#include "complete.h"
