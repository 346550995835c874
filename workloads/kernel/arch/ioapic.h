/* Interrupts of devices. */
#ifndef IOAPIC_H
#define IOAPIC_H

#include "../core/types.h"

void ioapic_route(u32 gsi, u8 vector);

#endif
