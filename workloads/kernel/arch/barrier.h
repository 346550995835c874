/*
 * Barriers on x86-64, where every load and store is ordered with every other except one pair: a
 * load may be satisfied while an older store to another address is still in this CPU's store
 * buffer (SDM Vol. 3A, "Loads May Be Reordered with Earlier Stores to Different Locations"). So
 * only smp_mb() needs an instruction.
 */
#ifndef BARRIER_H
#define BARRIER_H

/* The compiler keeps accesses on their sides; no instruction. */
#define barrier() asm volatile("" : : : "memory")

/* Waits until the store buffer is empty: everything stored before is visible before anything is
 * loaded after. */
#define smp_mb() asm volatile("mfence" : : : "memory")

/*
 * Order stores with stores, and loads with loads, which they are already: neither waits for the
 * store buffer (SDM Vol. 2B, "SFENCE" and "LFENCE"). Here only because they are often taken for
 * more than that.
 */
#define sfence() asm volatile("sfence" : : : "memory")
#define lfence() asm volatile("lfence" : : : "memory")

/* Stores are never reordered with stores, nor loads with loads. */
#define smp_wmb() barrier()
#define smp_rmb() barrier()

#endif
