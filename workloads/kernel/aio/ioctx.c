/* AIO contexts: creation, lookup, end. */
#include "aio.h"

#include "../arch/usercopy.h"
#include "../core/mm.h"
#include "../core/panic.h"
#include "../core/sched.h"
#include "../core/slab.h"
#include "../core/string.h"
#include "../sys/errno.h"

_Static_assert(offsetof(struct kioctx, wait) == 32, "wait");
_Static_assert(offsetof(struct kioctx, wait.task_list.next) == 40, "wait.task_list.next");
_Static_assert(offsetof(struct kioctx, ctx_lock) == 56, "ctx_lock");
_Static_assert(offsetof(struct kioctx, reqs_active) == 60, "reqs_active");
_Static_assert(offsetof(struct kioctx, active_reqs) == 64, "active_reqs");
_Static_assert(offsetof(struct kioctx, ring_info.ring_lock) == 128, "ring_lock");
_Static_assert(offsetof(struct kioctx, ring_info.nr) == 144, "nr");
_Static_assert(offsetof(struct kioctx, ring_info.tail) == 148, "tail");
_Static_assert(offsetof(struct aio_ring, head) == 8, "head");
_Static_assert(offsetof(struct aio_ring, tail) == 12, "tail");
_Static_assert(offsetof(struct aio_ring, io_events) == 32, "io_events");
_Static_assert(sizeof(struct io_event) == 32, "io_event");
_Static_assert(sizeof(struct iocb) == 64, "iocb");

struct kioctx *kioctxs[KIOCTX_MAX];
static DEFINE_SPINLOCK(kioctxs_lock); /* also from softirqs: a last reference */
static struct kmem_cache kioctx_cache = KMEM_CACHE(struct kioctx);

/* Replaces `from` by `to` in the host's table; false when there is no place. */
static bool replace_in_table(struct kioctx *from, struct kioctx *to)
{
	bool found = false;
	u64 flags;

	flags = spin_lock_irqsave(&kioctxs_lock);
	for (u32 i = 0; i < KIOCTX_MAX && !found; i++) {
		if (kioctxs[i] != from)
			continue;
		kioctxs[i] = to;
		found = true;
	}
	spin_unlock_irqrestore(&kioctxs_lock, flags);
	return found;
}

/* Slots: what was asked for and one more, because a ring with head == tail is empty; then as many
 * as fit. */
static void aio_setup_ring(struct kioctx *ctx, u32 nr_events)
{
	struct aio_ring_info *info = &ctx->ring_info;
	u64 size = sizeof(struct aio_ring) + (nr_events + 2) * sizeof(struct io_event);
	struct aio_ring *ring;
	void *view;

	spin_lock_init(&info->ring_lock);
	info->nr_pages = PAGE_ALIGN(size) / PAGE_SIZE;
	info->mmap_size = info->nr_pages * PAGE_SIZE;
	info->mmap_base = mm_map_new(ctx->mm, info->nr_pages, &view);
	info->nr = (info->mmap_size - sizeof(struct aio_ring)) / sizeof(struct io_event);
	info->tail = 0;

	ring = view;
	info->ring = ring;
	ring->nr = info->nr;
	ring->id = ctx->user_id = info->mmap_base;
	ring->head = ring->tail = 0;
	ring->magic = AIO_RING_MAGIC;
	ring->compat_features = 1;
	ring->incompat_features = 0;
	ring->header_length = sizeof(struct aio_ring);
}

long sys_io_setup(u64 nr_events, u64 __user *ctxp)
{
	struct mm *mm = &current->process->mm;
	struct kioctx *ctx;
	u64 ctx_id;
	long error = copy_from_user(&ctx_id, ctxp, sizeof(ctx_id));

	if (error)
		return error;
	if (ctx_id || !nr_events || nr_events > AIO_EVENTS_MAX)
		return -EINVAL;

	ctx = kmem_cache_alloc(&kioctx_cache);
	memset(ctx, 0, sizeof(*ctx));
	if (!replace_in_table(NULL, ctx)) {
		kmem_cache_free(&kioctx_cache, ctx);
		return -EAGAIN;
	}
	ctx->mm = mm;
	ctx->max_reqs = nr_events;
	atomic_set(&ctx->users, 1);
	spin_lock_init(&ctx->ctx_lock);
	init_waitqueue_head(&ctx->wait);
	INIT_LIST_HEAD(&ctx->active_reqs);
	INIT_LIST_HEAD(&ctx->run_list);
	aio_init_work(ctx);
	aio_setup_ring(ctx, nr_events);

	write_lock(&mm->ioctx_list_lock);
	ctx->next = mm->ioctx_list;
	mm->ioctx_list = ctx;
	write_unlock(&mm->ioctx_list_lock);

	error = copy_to_user(ctxp, &ctx->user_id, sizeof(ctx->user_id));
	if (error)
		sys_io_destroy(ctx->user_id);
	return error;
}

struct kioctx *lookup_ioctx(u64 ctx_id)
{
	struct mm *mm = &current->process->mm;
	struct kioctx *ctx;

	read_lock(&mm->ioctx_list_lock);
	for (ctx = mm->ioctx_list; ctx; ctx = ctx->next) {
		if (ctx->user_id == ctx_id && !ctx->dead) {
			atomic_inc(&ctx->users);
			break;
		}
	}
	read_unlock(&mm->ioctx_list_lock);
	return ctx;
}

static void free_ioctx(struct kioctx *ctx)
{
	BUG_ON(ctx->reqs_active);
	replace_in_table(ctx, NULL);
	kmem_cache_free(&kioctx_cache, ctx);
}

void put_ioctx(struct kioctx *ctx)
{
	if (unlikely(atomic_dec_and_test(&ctx->users)))
		free_ioctx(ctx);
}

/* Until the last request is gone: its final put wakes us, because the context is dead. */
static void wait_for_all_aios(struct kioctx *ctx)
{
	wait_queue_t wait;

	init_waitqueue_entry(&wait, current);
	note_sleep(SMPBOX_SLEEP_AIO_DRAIN, ctx, 0, 0);
	add_wait_queue_exclusive(&ctx->wait, &wait);
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (!READ_ONCE(ctx->reqs_active))
			break;
		schedule();
	}
	set_current_state(TASK_RUNNING);
	remove_wait_queue(&ctx->wait, &wait);
}

/* Gives up the reference that io_setup took, once. The ring stays mapped as long as the process
 * lives. */
static void kill_ioctx(struct kioctx *ctx)
{
	struct mm *mm = ctx->mm;
	bool was_dead;

	write_lock(&mm->ioctx_list_lock);
	was_dead = ctx->dead;
	ctx->dead = 1;
	for (struct kioctx **at = &mm->ioctx_list; *at; at = &(*at)->next) {
		if (*at == ctx) {
			*at = ctx->next;
			break;
		}
	}
	write_unlock(&mm->ioctx_list_lock);
	if (was_dead)
		return;
	/* Reapers asleep see that the context is dead. */
	wake_up(&ctx->wait);
	aio_cancel_all(ctx);
	wait_for_all_aios(ctx);
	put_ioctx(ctx);
}

long sys_io_destroy(u64 ctx_id)
{
	struct kioctx *ctx = lookup_ioctx(ctx_id);

	if (!ctx)
		return -EINVAL;
	kill_ioctx(ctx);
	put_ioctx(ctx);
	return 0;
}

void exit_aio(struct mm *mm)
{
	while (mm->ioctx_list)
		kill_ioctx(mm->ioctx_list);
}
