/* From the loader to the first run. */
#include "harness.h"

#include "../kernel/arch/barrier.h"
#include "../kernel/boot/acpi.h"
#include "../kernel/boot/params.h"
#include "../kernel/core/panic.h"
#include "../kernel/core/printk.h"
#include "../kernel/core/string.h"

#define PANIC_CODE 3
#define TEST_MEMORY 0x1000000 /* the harness is below, by its linker script */

const struct job *job;
const struct job_thread *job_threads;
const struct job_piece *job_pieces;
const struct job_observed *job_observed;
struct result result;

static const u8 *places;

noreturn void kernel_main(u64 boot_params_phys);

noreturn void panic(const char *format, ...)
{
	char message[160];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	printk("panic: %s\n", message);
	outb(EXIT_PORT, PANIC_CODE);
	for (;;)
		asm volatile("cli; hlt");
}

u32 place_of(u64 batch, u32 thread)
{
	return places[batch * job->threads + thread];
}

u64 places_mask(void)
{
	u64 mask = 0;

	for (u64 i = 0; i < job->batches * job->threads; i++) {
		if (places[i] >= acpi_info.cpu_count)
			panic("there is no CPU %u", places[i]);
		mask |= 1ul << places[i];
	}
	return mask;
}

void reset_variables(void)
{
	for (u32 i = 0; i < job->pieces; i++) {
		const struct job_piece *piece = &job_pieces[i];
		const u64 *from = (const u64 *)((const u8 *)job + piece->offset);
		volatile u64 *to = (volatile u64 *)piece->address;

		if (!piece->variable)
			continue;
		/* A variable has its lines to itself, so whole words may be stored. */
		for (u64 word = 0; word < (piece->bytes + 7) / 8; word++)
			to[word] = from[word];
	}
}

static void check_place(const struct job_piece *piece)
{
	u64 end = piece->address + piece->bytes;

	if (piece->address < TEST_MEMORY || end > boot_info.ramdisk_phys || end < piece->address)
		panic("the test wants memory at %lx to %lx", piece->address, end);
}

static void job_init(void)
{
	job = phys_to_virt(boot_info.ramdisk_phys);
	if (boot_info.ramdisk_size < sizeof(*job) || job->magic != JOB_MAGIC)
		panic("no test in the ramdisk: use smpbox litmus");
	if (job->threads > THREADS_MAX || job->observed > OBSERVED_MAX)
		panic("at most %d threads and %d observed values", THREADS_MAX, OBSERVED_MAX);
	job_threads = (const void *)(job + 1);
	job_pieces = (const void *)(job_threads + job->threads);
	job_observed = (const void *)(job_pieces + job->pieces);
	places = (const void *)(job_observed + job->observed);
	for (u32 i = 0; i < job->pieces; i++) {
		const struct job_piece *piece = &job_pieces[i];

		check_place(piece);
		memcpy((void *)piece->address, (const u8 *)job + piece->offset, piece->bytes);
	}
}

noreturn void kernel_main(u64 boot_params_phys)
{
	console_init();
	cpu_init(0);
	params_init(boot_params_phys);
	acpi_init(boot_info.rsdp_phys);
	job_init();
	threads_init();
	histogram_init();
	start_cpus();
	open_batch(0);
	run_batches(&cpus[0]);
}
