/* System calls by number. Each takes the registers that the user passed and returns what goes
 * into RAX. */
#include "../aio/aio.h"
#include "../aio/illumos/illumos.h"
#include "../arch/usercopy.h"
#include "../core/mm.h"
#include "../core/sched.h"
#include "../core/string.h"
#include "../fs/minifs.h"
#include "../fs/pagecache.h"
#include "abi.h"
#include "errno.h"
#include "futex.h"

#define PATH_MAX 64

typedef long (*syscall_t)(struct pt_regs *regs);

static long sys_pread64(struct pt_regs *regs)
{
	struct file *file = fget(regs->rdi);
	long result;

	if (!file)
		return -EBADF;
	result = file->f_op->read(file, (void *)regs->rsi, regs->rdx, regs->r10);
	fput(file);
	return result;
}

static long sys_pwrite64(struct pt_regs *regs)
{
	struct file *file = fget(regs->rdi);
	long result = -EINVAL;

	if (!file)
		return -EBADF;
	if (file->f_op->pwrite)
		result = file->f_op->pwrite(file, (const void *)regs->rsi, regs->rdx, regs->r10);
	fput(file);
	return result;
}

static long sys_read(struct pt_regs *regs)
{
	struct file *file = fget(regs->rdi);
	long result;

	if (!file)
		return -EBADF;
	result = file->f_op->read(file, (void *)regs->rsi, regs->rdx, file->f_pos);
	if (result > 0)
		file->f_pos += result;
	fput(file);
	return result;
}

static long sys_write(struct pt_regs *regs)
{
	struct file *file = fget(regs->rdi);
	long result = -EINVAL;

	if (!file)
		return -EBADF;
	if (file->f_op->write)
		result = file->f_op->write(file, (const void *)regs->rsi, regs->rdx);
	fput(file);
	return result;
}

static long open_path(const char __user *user_path, u32 flags)
{
	char path[PATH_MAX];
	long length = strncpy_from_user(path, user_path, sizeof(path));

	return length < 0 ? length : file_open(path, flags);
}

static long sys_open(struct pt_regs *regs)
{
	return open_path((const char *)regs->rdi, regs->rsi);
}

/* Paths are absolute; the directory is not looked at. */
static long sys_openat(struct pt_regs *regs)
{
	return open_path((const char *)regs->rsi, regs->rdx);
}

static long sys_ftruncate(struct pt_regs *regs)
{
	struct file *file = fget(regs->rdi);
	long result = -EINVAL;

	if (!file)
		return -EBADF;
	if (file->f_op->truncate)
		result = file->f_op->truncate(file, regs->rsi);
	fput(file);
	return result;
}

static long sys_getdents64(struct pt_regs *regs)
{
	struct file *file = fget(regs->rdi);
	long result = -EINVAL;

	if (!file)
		return -EBADF;
	if (file->f_op->readdir)
		result = file->f_op->readdir(file, (void *)regs->rsi, regs->rdx);
	fput(file);
	return result;
}

static long sys_sync(struct pt_regs *regs)
{
	(void)regs;
	minifs_sync();
	return 0;
}

/* Only the caller's name. */
static long sys_prctl(struct pt_regs *regs)
{
	char name[sizeof(current->comm)];
	long length;

	if (regs->rdi != PR_SET_NAME)
		return -EINVAL;
	length = strncpy_from_user(name, (const char *)regs->rsi, sizeof(name));
	if (length < 0)
		return length;
	memcpy(current->comm, name, sizeof(name));
	return 0;
}

static long sys_close(struct pt_regs *regs)
{
	return file_close(regs->rdi);
}

/* Private anonymous memory, at an address of the kernel's choice. */
static long sys_mmap(struct pt_regs *regs)
{
	u64 bytes = PAGE_ALIGN(regs->rsi);
	void *view;

	if (!bytes || bytes > KERNEL_WINDOW)
		return -EINVAL;
	if ((regs->r10 & (MAP_PRIVATE | MAP_ANONYMOUS)) != (MAP_PRIVATE | MAP_ANONYMOUS))
		return -EINVAL;
	return mm_map_new(&current->process->mm, bytes / PAGE_SIZE, &view);
}

static long sys_sched_yield(struct pt_regs *regs)
{
	(void)regs;
	sched_yield();
	return 0;
}

/* Sleeps for ever: there are no signals, so only the end of the process ends it. */
static long sys_pause(struct pt_regs *regs)
{
	(void)regs;
	note_sleep(SMPBOX_SLEEP_PAUSE, NULL, 0, 0);
	while (!signal_pending(current)) {
		set_current_state(TASK_INTERRUPTIBLE);
		schedule();
	}
	return -EINTR;
}

static long sys_getpid(struct pt_regs *regs)
{
	(void)regs;
	return current->tgid;
}

static long sys_gettid(struct pt_regs *regs)
{
	(void)regs;
	return current->pid;
}

static long sys_exit(struct pt_regs *regs)
{
	do_exit(regs->rdi & 0xff);
}

static long sys_exit_group(struct pt_regs *regs)
{
	exit_group(regs->rdi & 0xff);
}

/* Only of the caller. */
static long sys_sched_setaffinity(struct pt_regs *regs)
{
	u64 bytes = regs->rsi < sizeof(u64) ? regs->rsi : sizeof(u64);
	u64 mask = 0;
	long error;

	if (regs->rdi && regs->rdi != (u64)current->pid)
		return -ESRCH;
	error = copy_from_user(&mask, (const void *)regs->rdx, bytes);
	return error ? error : sched_setaffinity(mask);
}

static long sys_sched_getaffinity(struct pt_regs *regs)
{
	u64 started = nr_cpus == 64 ? ~0ul : (1ul << nr_cpus) - 1;
	u64 mask = current->cpus_allowed & started;
	long error;

	if (regs->rdi && regs->rdi != (u64)current->pid)
		return -ESRCH;
	if (regs->rsi < sizeof(mask))
		return -EINVAL;
	error = copy_to_user((void *)regs->rdx, &mask, sizeof(mask));
	return error ? error : (long)sizeof(mask);
}

static long sys_getcpu(struct pt_regs *regs)
{
	u32 number = this_cpu()->number;

	return regs->rdi ? copy_to_user((void *)regs->rdi, &number, sizeof(number)) : 0;
}

static long sys_futex(struct pt_regs *regs)
{
	u32 __user *word = (u32 *)regs->rdi;

	switch (regs->rsi & ~(u64)FUTEX_PRIVATE_FLAG) {
	case FUTEX_WAIT:
		return regs->r10 ? -EINVAL : futex_wait(word, regs->rdx); /* there is no timer */
	case FUTEX_WAKE:
		return futex_wake(word, regs->rdx);
	default:
		return -ENOSYS;
	}
}

static long aiorw(struct pt_regs *regs)
{
	return sys_aiorw(regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9);
}

static long port_create(struct pt_regs *regs)
{
	(void)regs;
	return sys_port_create();
}

static long port_getn(struct pt_regs *regs)
{
	return sys_port_getn(regs->rdi, regs->rsi, regs->rdx, regs->r10);
}

static long aiowait(struct pt_regs *regs)
{
	return sys_aiowait(regs->rdi);
}

static long io_setup(struct pt_regs *regs)
{
	return sys_io_setup((u32)regs->rdi, (u64 *)regs->rsi);
}

static long io_destroy(struct pt_regs *regs)
{
	return sys_io_destroy(regs->rdi);
}

static long io_submit(struct pt_regs *regs)
{
	return sys_io_submit(regs->rdi, regs->rsi, (u64 *)regs->rdx);
}

static long io_getevents(struct pt_regs *regs)
{
	return sys_io_getevents(regs->rdi, regs->rsi, regs->rdx, (struct io_event *)regs->r10,
				(const s64 *)regs->r8);
}

static long io_cancel(struct pt_regs *regs)
{
	return sys_io_cancel(regs->rdi, (struct iocb *)regs->rsi, (struct io_event *)regs->rdx);
}

static const syscall_t syscalls[NR_SYSCALLS] = {
	[NR_read] = sys_read,
	[NR_write] = sys_write,
	[NR_open] = sys_open,
	[NR_close] = sys_close,
	[NR_mmap] = sys_mmap,
	[NR_aiorw] = aiorw,
	[NR_port_create] = port_create,
	[NR_port_getn] = port_getn,
	[NR_aiowait] = aiowait,
	[NR_pread64] = sys_pread64,
	[NR_pwrite64] = sys_pwrite64,
	[NR_sched_yield] = sys_sched_yield,
	[NR_pause] = sys_pause,
	[NR_getpid] = sys_getpid,
	[NR_clone] = do_clone,
	[NR_exit] = sys_exit,
	[NR_ftruncate] = sys_ftruncate,
	[NR_prctl] = sys_prctl,
	[NR_sync] = sys_sync,
	[NR_getdents64] = sys_getdents64,
	[NR_gettid] = sys_gettid,
	[NR_futex] = sys_futex,
	[NR_sched_setaffinity] = sys_sched_setaffinity,
	[NR_sched_getaffinity] = sys_sched_getaffinity,
	[NR_io_setup] = io_setup,
	[NR_io_destroy] = io_destroy,
	[NR_io_getevents] = io_getevents,
	[NR_io_submit] = io_submit,
	[NR_io_cancel] = io_cancel,
	[NR_exit_group] = sys_exit_group,
	[NR_openat] = sys_openat,
	[NR_getcpu] = sys_getcpu,
};

/* From syscall.S, with interrupts on. */
void syscall_dispatch(struct pt_regs *regs)
{
	u64 number = regs->number;

	this_cpu()->counters.syscalls++;
	if (number < NR_SYSCALLS && syscalls[number])
		regs->rax = syscalls[number](regs);
	else
		regs->rax = -ENOSYS;
}
