/* The boot CPU's way from the loader to the first user program. */
#include "../aio/aio.h"
#include "../aio/illumos/illumos.h"
#include "../arch/cpu.h"
#include "../arch/irq.h"
#include "../core/debug.h"
#include "../core/exec.h"
#include "../core/hungtask.h"
#include "../core/ithread.h"
#include "../core/mutex.h"
#include "../core/page.h"
#include "../core/panic.h"
#include "../core/printk.h"
#include "../core/sched.h"
#include "../core/slab_debug.h"
#include "../core/timer.h"
#include "../block/queue.h"
#include "../drivers/virtio_blk.h"
#include "../fs/blkdev.h"
#include "../fs/buffered.h"
#include "../fs/dio/dio.h"
#include "../fs/minifs.h"
#include "../fs/pagecache.h"
#include "../sys/futex.h"
#include "acpi.h"
#include "params.h"

extern u8 boot_stack[];

/*
 * One process, anywhere; or `copies` of it, copy i on CPU i modulo their number. They are made
 * before the first of them runs.
 */
static void start_processes(void)
{
	static struct task *first_thread[TASKS_MAX];
	u64 copies = param_number("copies", 0);
	u64 count = copies ? copies : 1;
	const void *image = phys_to_virt(boot_info.ramdisk_phys);

	if (!boot_info.ramdisk_size)
		panic("no user program: the ramdisk is empty");
	if (boot_info.ramdisk_phys + boot_info.ramdisk_size > KERNEL_WINDOW)
		panic("the ramdisk at %lx is out of reach", boot_info.ramdisk_phys);
	if (count > TASKS_MAX)
		panic("copies=%lu: at most %d", count, TASKS_MAX);
	for (u64 i = 0; i < count; i++) {
		first_thread[i] = exec(image, boot_info.ramdisk_size);
		if (copies)
			first_thread[i]->cpus_allowed = 1ul << i % nr_cpus;
	}
	for (u64 i = 0; i < count; i++)
		wake_up_new_task(first_thread[i]);
}

noreturn void kernel_main(u64 boot_params_phys)
{
	u32 variant;

	console_init();
	idt_init();
	sched_init();
	cpu_init(0);
	params_init(boot_params_phys);
	acpi_init(boot_info.rsdp_phys);
	page_init();
	slab_debug_init();

	timers_init();
	block_init();

	cpus[0].rq.idle = idle_task_create(0, boot_stack);
	cpus[0].curr = cpus[0].rq.idle;
	smp_boot();

	mutexes_init();
	virtblk_init();
	ithreads_init();
	futex_init();
	buffered_init();
	dio_init();
	blkdev_init();
	minifs_init();
	pagecache_init(param_number("seed", 1));
	illumos_init(param_string("v000", "f0"));
	variant = aio_init();
	hungtask_init(param_number("hung_task", 0));
	debug_booted(variant);
	/* This CPU's kernel threads run until they sleep: a program is placed where the fewest
	 * tasks are, and that is to be here. */
	schedule();
	start_processes();
	cpu_idle();
}
