/* Variant b: entry and state under one lock, the state by exchange: prepare_to_wait(). Right. */
#define VARIANT b
#define BEFORE_LIST() INIT_LIST_HEAD(&wait.task_list)
#define ENLIST(queue, wait) barrier()
#define SET_STATE(queue, wait) PREPARE_TO_WAIT(queue, wait)
#include "read_events.h"
