/* The local APIC in x2APIC mode: the interrupts that CPUs send each other. */
#ifndef APIC_H
#define APIC_H

#include "../core/types.h"

void apic_init(void);
u32 apic_id(void);
void apic_eoi(void);
void apic_deadline(u64 tsc);
void apic_send(u32 apic_id, u8 vector);

#endif
