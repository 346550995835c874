/* Fills the debug block: addresses and offsets by the compiler, the rest once at boot. */
#include "debug.h"

#include "../aio/aio.h"
#include "task.h"

#define SLEEP(field) (offsetof(struct task, sleep) + offsetof(struct sleep_reason, field))

struct smpbox_debug smpbox_debug = {
	.magic = SMPBOX_DEBUG_MAGIC,
	.version = SMPBOX_DEBUG_VERSION,
	.bytes = sizeof(struct smpbox_debug),
	.kernel_base = KERNEL_BASE,
	.tasks = (unsigned long)tasks,
	.kioctxs = (unsigned long)kioctxs,
	.counters = (unsigned long)&cpus[0].counters,
	.counter_stride = sizeof(struct cpu),
	.task_limit = TASKS_MAX,
	.kioctx_limit = KIOCTX_MAX,
	.task = {
		.pid = offsetof(struct task, pid),
		.tgid = offsetof(struct task, tgid),
		.cpu = offsetof(struct task, cpu),
		.state = offsetof(struct task, state),
		.comm = offsetof(struct task, comm),
		.pgd = offsetof(struct task, pgd_phys),
		.sleep_kind = SLEEP(kind),
		.sleep_object = SLEEP(object),
		.sleep_i = SLEEP(i),
		.sleep_min_nr = SLEEP(min_nr),
	},
	.kioctx = {
		.users = offsetof(struct kioctx, users),
		.dead = offsetof(struct kioctx, dead),
		.user_id = offsetof(struct kioctx, user_id),
		.wait_next = offsetof(struct kioctx, wait.task_list.next),
		.ctx_lock = offsetof(struct kioctx, ctx_lock),
		.reqs_active = offsetof(struct kioctx, reqs_active),
		.ring = offsetof(struct kioctx, ring_info.ring),
		.ring_lock = offsetof(struct kioctx, ring_info.ring_lock),
		.ring_nr = offsetof(struct kioctx, ring_info.nr),
		.ring_tail = offsetof(struct kioctx, ring_info.tail),
		.ring_head_in_ring = offsetof(struct aio_ring, head),
		.ring_tail_in_ring = offsetof(struct aio_ring, tail),
	},
};

_Static_assert(sizeof(struct smpbox_debug) == 168, "documented layout");

void debug_booted(u32 variant_001k)
{
	smpbox_debug.cpus = nr_cpus;
	smpbox_debug.variant_001k = variant_001k;
	smpbox_debug.booted = 1;
}
