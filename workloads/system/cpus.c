/* Several processors: interrupts between them, locked operations, code that another one writes,
 * translations that another one changes. */
#include "apic.h"

#include "../kernel/arch/barrier.h"
#include "../kernel/boot/acpi.h"

#define VECTOR 0x70
#define FLUSH_VECTOR 0x71
#define ROUNDS 60
#define ADDS 500

static bool count_tick(struct pt_regs *regs)
{
	(void)regs;
	this_cpu()->ticks++;
	eoi();
	return true;
}

/* ---- Interrupts between processors ---- */

static u32 ready;

/* In HLT until the interrupt has come. */
static void take_interrupt(u64 unused)
{
	struct cpu *cpu = this_cpu();

	(void)unused;
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	while (!READ_ONCE(cpu->ticks)) {
		safe_halt();
		irq_disable();
	}
}

static void let_others_wait(void)
{
	ready = 0;
	for (u32 i = 0; i < cpu_count; i++)
		cpus[i].ticks = 0;
	for (u32 i = 1; i < cpu_count; i++)
		start_on(i, take_interrupt, 0);
	while (READ_ONCE(ready) != cpu_count - 1)
		cpu_relax();
}

/* Everybody has as many as expected, this processor `own`. */
static void check_ticks(const char *name, u32 own)
{
	u32 wrong = 0;

	for (u32 i = 1; i < cpu_count; i++)
		wait_for(i);
	for (u32 i = 0; i < 10; i++)
		open_window();
	for (u32 i = 0; i < cpu_count; i++)
		wrong += cpus[i].ticks != (i ? 1 : own);
	check_equal(name, wrong, 0);
}

static void check_interrupts_between(void)
{
	u32 wrong = 0;

	hooks[VECTOR] = count_tick;
	let_others_wait();
	for (u32 i = 1; i < cpu_count; i++)
		wrmsr(X2APIC_ICR, (u64)cpus[i].apic_id << 32 | VECTOR);
	check_ticks("an interrupt to each", 0);
	let_others_wait();
	wrmsr(X2APIC_ICR, ICR_TO_OTHERS | VECTOR);
	check_ticks("to all others", 0);
	let_others_wait();
	wrmsr(X2APIC_ICR, ICR_TO_ALL | VECTOR);
	check_ticks("to all", 1);
	let_others_wait();
	wrmsr(X2APIC_ICR, 0xffffffffull << 32 | VECTOR);
	check_ticks("to the broadcast address", 1);
	for (u32 i = 0; i < cpu_count; i++)
		for (u32 j = 0; j < i; j++)
			wrong += cpus[i].apic_id == cpus[j].apic_id;
	check_equal("all have different IDs", wrong, 0);
}

/* ---- A line that is on its way to another processor, and a timer in the middle of RDTSC ---- */

#define FRESH_LINES 128
#define SHORT_TICK 16 /* cycles: less than RDTSC takes on any machine */
/* Nobody has touched these lines before the first of the two does. */
static u8 fresh[FRESH_LINES][64] __attribute__((aligned(64)));
static u32 turn;

static void read_fresh(u64 from)
{
	for (u64 i = from; i < FRESH_LINES; i += cpu_count) {
		while (READ_ONCE(turn) != i + 1)
			cpu_relax();
		READ_ONCE(fresh[i][0]);
		WRITE_ONCE(turn, 0);
	}
}

/* The timer stays masked: that it expires is all. */
static void write_fresh(u64 from)
{
	u64 wait = 0;

	for (u64 i = from; i < FRESH_LINES; i += cpu_count) {
		u64 start = rdtsc();

		WRITE_ONCE(turn, i + 1);
		while (rdtsc() - start < wait % 512)
			;
		wait += 96;
		WRITE_ONCE(fresh[i][8], 1);
		for (u32 n = 0; n < 8; n++)
			rdtsc();
		while (READ_ONCE(turn))
			cpu_relax();
	}
}

static void check_fresh(void)
{
	u32 lost = 0;

	wrmsr(X2APIC_DIVIDE, DIVIDE_BY_1);
	wrmsr(X2APIC_LVT_TIMER, LVT_MASKED | TIMER_PERIODIC | VECTOR);
	wrmsr(X2APIC_INITIAL_COUNT, SHORT_TICK);
	for (u32 i = 1; i < cpu_count; i++) {
		start_on(i, read_fresh, i);
		write_fresh(i);
		wait_for(i);
	}
	wrmsr(X2APIC_INITIAL_COUNT, 0);
	for (u32 i = 0; i < FRESH_LINES; i++)
		lost += i % cpu_count && !fresh[i][8];
	check_equal("stores to lines that another processor waits for, under a timer", lost, 0);
}

/* ---- Locked operations ---- */

static u64 counter, pair[2] __attribute__((aligned(16))), lock, locked_counter;
/* Each over two lines, with one line in common. */
static u8 split_lines[192] __attribute__((aligned(64)));
#define SPLIT ((u64 *)(split_lines + 60))
#define SPLIT_NEXT ((u64 *)(split_lines + 124))

static void add_all(u64 odd)
{
	for (u32 i = 0; i < ADDS; i++) {
		u64 low = pair[0], high = pair[1];
		u8 done;

		asm volatile("lock incq %0" : "+m"(counter) : : "cc");
		/* In both orders, so that two CPUs each have what the other one wants. */
		asm volatile("lock addq $3, %0" : "+m"(*(odd ? SPLIT : SPLIT_NEXT)) : : "cc");
		asm volatile("lock addq $3, %0" : "+m"(*(odd ? SPLIT_NEXT : SPLIT)) : : "cc");
		do {
			asm volatile("lock cmpxchg16b %1; setz %0"
				     : "=q"(done), "+m"(pair), "+a"(low), "+d"(high)
				     : "b"(low + 1), "c"(high + 2)
				     : "cc");
		} while (!done);
		while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
			cpu_relax();
		WRITE_ONCE(locked_counter, READ_ONCE(locked_counter) + 1);
		__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
	}
}

static void check_locked(void)
{
	u64 sum = (u64)ADDS * cpu_count;

	for (u32 i = 1; i < cpu_count; i++)
		start_on(i, add_all, i & 1);
	add_all(0);
	for (u32 i = 1; i < cpu_count; i++)
		wait_for(i);
	check_equal("LOCK INC", counter, sum);
	check_equal("LOCK ADD over two lines", *SPLIT, 3 * sum);
	check_equal("LOCK ADD over two lines, crossing", *SPLIT_NEXT, 3 * sum);
	check("LOCK CMPXCHG16B", pair[0] == sum && pair[1] == 2 * sum);
	check_equal("XCHG as a lock", locked_counter, sum);
}

/* ---- A nested ENTER stores more words than a store buffer has ---- */

#define ENTERS 40
static u64 frame_words[64] __attribute__((aligned(64)));

/* All have their frames in the same lines. */
static void enter_all(u64 unused)
{
	(void)unused;
	for (u32 i = 0; i < ENTERS; i++)
		asm volatile("mov %%rsp, %%r8; mov %%rbp, %%r9\n"
			     "mov %0, %%rsp; mov %0, %%rbp; enter $0, $31\n"
			     "mov %%r8, %%rsp; mov %%r9, %%rbp"
			     : : "r"(frame_words + 63) : "r8", "r9", "memory");
}

static void check_entered(void)
{
	for (u32 i = 1; i < cpu_count; i++)
		start_on(i, enter_all, 0);
	enter_all(0);
	for (u32 i = 1; i < cpu_count; i++)
		wait_for(i);
	check_equal("ENTER of all on one stack: the saved RBP", frame_words[62],
		    (u64)(frame_words + 63));
	check_equal("and the frame's address", frame_words[31], (u64)(frame_words + 62));
}

/* ---- Code of another processor (SDM Vol. 3A, "Handling Self- and Cross-Modifying Code") ---- */

static u8 code[64] __attribute__((aligned(64)));
static u32 written, called, code_wrong;

static void call_written(u64 rounds)
{
	for (u32 i = 1; i <= rounds; i++) {
		u32 a = 0, b, c, d, value;

		while (READ_ONCE(written) != i)
			cpu_relax();
		asm volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d) : : "memory");
		asm volatile("call *%1" : "=a"(value) : "r"(code) : "memory", "cc");
		if (value != i * 3)
			code_wrong++;
		WRITE_ONCE(called, i);
	}
}

static void check_cross_modified(u32 other)
{
	code[0] = 0xb8; /* mov $value, %eax; ret */
	code[5] = 0xc3;
	written = called = code_wrong = 0;
	start_on(other, call_written, ROUNDS);
	for (u32 i = 1; i <= ROUNDS; i++) {
		*(volatile u32 *)(code + 1) = i * 3;
		WRITE_ONCE(written, i);
		while (READ_ONCE(called) != i)
			cpu_relax();
	}
	wait_for(other);
	check_equal("code of another processor", code_wrong, 0);
}

/* ---- Translations ---- */

static u64 seen;

static void read_area(u64 lin)
{
	seen = load64(lin);
}

static void flush_area(u64 lin)
{
	invlpg(lin);
	seen = load64(lin);
}

static bool flush(struct pt_regs *regs)
{
	(void)regs;
	invlpg(AREA);
	this_cpu()->ticks++;
	eoi();
	return true;
}

/* Reads the page again and again; the flush comes as an interrupt. */
static void read_until_flushed(u64 lin)
{
	struct cpu *cpu = this_cpu();
	u64 before = load64(lin);

	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	irq_enable();
	while (!READ_ONCE(cpu->ticks))
		before |= load64(lin);
	irq_disable();
	seen = load64(lin);
	if (before & ~(u64)0x3ff)
		seen = before;
}

static void check_translations(u32 other)
{
	store64((u64)frames[0], 0x100);
	store64((u64)frames[1], 0x200);
	unmap(AREA);
	*entry_of(AREA, 1) = virt_to_phys(frames[0]) | PTE_P | PTE_W;
	run_on(other, read_area, AREA);
	check_equal("a page that another processor mapped", seen, 0x100);
	map(AREA, frames[1], PTE_W);
	run_on(other, flush_area, AREA);
	check_equal("another page, flushed there", seen, 0x200);

	hooks[FLUSH_VECTOR] = flush;
	cpus[other].ticks = 0;
	ready = 0;
	start_on(other, read_until_flushed, AREA);
	while (!READ_ONCE(ready))
		cpu_relax();
	map(AREA, frames[0], PTE_W);
	smp_mb();
	wrmsr(X2APIC_ICR, (u64)cpus[other].apic_id << 32 | FLUSH_VECTOR);
	wait_for(other);
	check_equal("flushed by an interrupt", seen, 0x100);
	unmap(AREA);
}

void check_cpus(void)
{
	if (acpi_info.cpu_count == 1) {
		printk("one CPU: nothing to check between several\n");
		return;
	}
	start_cpus();
	check_equal("all processors start", cpu_count, acpi_info.cpu_count);
	check_interrupts_between();
	check_fresh();
	check_locked();
	check_entered();
	check_cross_modified(1);
	check_cross_modified(cpu_count - 1);
	check_translations(cpu_count - 1);
	hooks[VECTOR] = hooks[FLUSH_VECTOR] = NULL;
}
