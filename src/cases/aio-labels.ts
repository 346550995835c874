// Ids of workloads/include/smpbox-labels.h that more than one case reads: steps of aio_complete(),
// and the beginning of a request.

/**
 * A1: the event. A2: the kernel's copy of the tail. A3: the ring's tail. P: ki_users of a request
 * that ends. K0: the same word of one that begins.
 */
export const AIO = { A1: 1, A2: 2, A3: 3, P: 4, K0: 72 } as const;
