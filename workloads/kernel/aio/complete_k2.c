/* Variant k2: LFENCE between A3 and B. It waits for loads; A3 stays in the store buffer. Loses
 * wake-ups. */
#define VARIANT k2
#define BETWEEN() lfence()
#include "complete.h"
