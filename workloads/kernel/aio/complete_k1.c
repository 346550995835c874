/* Variant k1: SFENCE between A3 and B. It orders stores with stores; B does not wait. Loses
 * wake-ups. */
#define VARIANT k1
#define BETWEEN() sfence()
#include "complete.h"
