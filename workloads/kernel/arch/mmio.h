/* Device registers. The kernel maps physical c0000000 to ffffffff uncached at DEVICE_BASE; each
 * access is one machine access, and like every uncached one it waits for the store buffer (SDM
 * Vol. 3A, "Strengthening or Weakening the Memory-Ordering Model"). */
#ifndef MMIO_H
#define MMIO_H

#include "../core/types.h"

static inline volatile u32 *device_at(u64 phys)
{
	return (volatile u32 *)(phys - DEVICE_PHYS + DEVICE_BASE);
}

static inline u32 readl(const volatile u32 *registers, u32 offset)
{
	return registers[offset / 4];
}

static inline void writel(volatile u32 *registers, u32 offset, u32 value)
{
	registers[offset / 4] = value;
}

#endif
