/*
 * The shape of case 001 in other systems: one side publishes work and then looks whether somebody
 * sleeps; the other says that it will sleep and then looks for work. Each needs a full fence.
 *
 *     wm m=1|4|5|6|7|8 x=none|wmb|mb|or y=none|mb|or s=CPU r=CPU [rounds=1000]
 *     wm m=2 x=unlink-first|wake-first s=CPU r=CPU [rounds=1000]
 *
 * m=1: wait queues whose waker looks by waitqueue_active(), with the variants of case 001
 * (wm-queue.h): also x=rmb|lock|wake y=wmb|rmb|queued|before|unlock|read. 4: io_uring's SQPOLL, an
 * application and the thread that polls the ring. 5: virtio with event indices, a driver and a
 * device. 6: counter and list of waiters under one lock, as in eventfd: neither needs a fence, and
 * there is one variant. 7: an adaptive mutex (wm-mutex.h). 8: the lock bit of a page, whose release
 * is the work: a plain store of the byte (__clear_bit_unlock), or a locked `and` (clear_bit). 2: a
 * waiter with a time limit, where it is the order of two accesses that counts and not a fence
 * (wm-waiter.h).
 * x: what the publisher has between its store and its look; y: what the sleeper has; `or`: the
 * store itself is a locked instruction. Who sleeps does so in a futex that every kick changes.
 */
#include "wm-mutex.h"
#include "wm-pair.h"
#include "wm-waiter.h"
#include "wm.h"

#define PAIR_OF(model)                                                                             \
	do {                                                                                       \
		plan.publish = variant_of("x", model##_publishers);                                \
		plan.enlist = variant_of("y", model##_sleepers);                                   \
	} while (0)

/* The copies of the variant, before the first round. */
static void read_variant(void)
{
	switch (plan.model) {
	case 1:
		PAIR_OF(m1);
		break;
	case 2:
		plan.complete = variant_of("x", m2_orders);
		break;
	case 4:
		PAIR_OF(m4);
		break;
	case 5:
		PAIR_OF(m5);
		break;
	case 6:
		PAIR_OF(m6);
		break;
	case 7:
		plan.resume = variant_of("x", m7_resumes);
		plan.blocks = variant_of("y", m7_blocks);
		break;
	case 8:
		PAIR_OF(m8);
		break;
	default:
		die("wm: m=%lu is no model\n", plan.model);
	}
}

int main(void)
{
	plan.model = option("m", 1);
	plan.rounds = option("rounds", 1000);
	plan.publisher_cpu = option("s", 0);
	plan.sleeper_cpu = option("r", 1);
	read_variant();
	pin_to_cpu(plan.publisher_cpu);
	if (plan.model == 2)
		completer();
	else if (plan.model == 7)
		owner();
	else
		pair_publisher();
	thread_join(&other_side);
	print("wm rounds=%lu\n", wm_stats.rounds);
	return 0;
}
