/*
 * String instructions: a page fault in the midst of a repetition keeps what is done, and the
 * instruction goes on where it was when the handler has mapped the page.
 */
#include "system.h"

#define PAGES 4
#define SOURCE AREA
#define TARGET (AREA + 0x10000)
#define COUNT (PAGES * PAGE_SIZE)

PROBE(repeat_movsb, "mov %rdx, %rcx", "rep movsb", "mov %rcx, %rax");
PROBE(repeat_movsq, "mov %rdx, %rcx\n shr $3, %rcx", "rep movsq", "mov %rcx, %rax");
PROBE(repeat_movsb_down, "mov %rdx, %rcx\n std", "rep movsb", "cld\n mov %rcx, %rax");
PROBE(repeat_stosd, "mov %rdx, %rcx\n shr $2, %rcx\n mov %esi, %eax", "rep stosl",
      "mov %rcx, %rax");
PROBE(repeat_lodsb, "mov %rdx, %rcx\n mov %rdi, %rsi", "rep lodsb", "mov %rcx, %rax");
PROBE(repeat_scasb, "mov %rdx, %rcx\n mov %esi, %eax", "repne scasb", "mov %rcx, %rax");
PROBE(repeat_cmpsb, "mov %rdx, %rcx", "repe cmpsb", "mov %rcx, %rax");
PROBE(repeat_cmpsb_flags, "mov %rdx, %rcx\n mov $0x80, %al\n sub $1, %al", "repe cmpsb", "");
PROBE(repeat_scasb_flags, "mov %rsi, %rcx\n mov $0x80, %al\n sub $1, %al", "repne scasb", "");
PROBE(repeat_none, "xor %ecx, %ecx\n cmp %edi, %edi\n mov %rsi, %rdi", "repe cmpsb",
      "setz %al\n movzbl %al, %eax");
PROBE(one_movsd, "", "movsl", "mov %rdi, %rax");
PROBE(one_movsd_down, "std", "movsl", "cld\n mov %rdi, %rax");
PROBE(count_32, "mov $0x100000003, %rcx\n mov %edi, %edi", ".byte 0x67\n rep stosb",
      "mov %rcx, %rax");

#define STATUS 0x8d5
#define OF_AF 0x810 /* of 80H - 1 */

static u32 faults;
static bool steady; /* RIP was the instruction's at every fault */
static const void *where;

static bool is_area(u64 lin)
{
	return lin - AREA < 0x20000;
}

/* Page i of the source is frame i, of the target frame PAGES + i. */
static bool map_on_demand(struct pt_regs *regs)
{
	u64 page = read_cr2() & ~(PAGE_SIZE - 1ul);

	if (!is_area(page) || faults > 2 * PAGES)
		return false;
	faults++;
	steady &= regs->rip == (u64)where;
	if (page >= TARGET)
		map(page, frames[PAGES + (page - TARGET) / PAGE_SIZE], PTE_W);
	else
		map(page, frames[(page - SOURCE) / PAGE_SIZE], 0);
	return true;
}

static void unmap_all(void)
{
	for (u32 i = 0; i < PAGES; i++) {
		unmap(SOURCE + i * PAGE_SIZE);
		unmap(TARGET + i * PAGE_SIZE);
	}
	faults = 0;
	steady = true;
}

static void fill(void)
{
	for (u32 i = 0; i < COUNT; i++) {
		frames[i / PAGE_SIZE][i % PAGE_SIZE] = i * 7 + i / 256;
		frames[PAGES + i / PAGE_SIZE][i % PAGE_SIZE] = 0;
	}
	unmap_all();
}

static u32 equal_bytes(u32 shift)
{
	u32 equal = 0;

	for (u32 i = shift; i < COUNT; i++)
		equal += frames[i / PAGE_SIZE][i % PAGE_SIZE] ==
			 frames[PAGES + (i - shift) / PAGE_SIZE][(i - shift) % PAGE_SIZE];
	return equal;
}

static void check_copy(const char *name, probe_fn fn, const void *at, u64 target, u64 source,
		       u64 count, u32 expected_faults)
{
	fill();
	group(name);
	where = at;
	check_runs("runs to its end", 0, fn, target, source, count);
	check_equal("page faults", faults, expected_faults);
	check("each at the instruction", steady);
}

static void check_restarted(void)
{
	hooks[PF] = map_on_demand;
	check_copy("REP MOVSB", repeat_movsb, repeat_movsb_at, TARGET, SOURCE, COUNT, 2 * PAGES);
	check_equal("copied", equal_bytes(0), COUNT);
	check_copy("REP MOVSQ over odd addresses", repeat_movsq, repeat_movsq_at, TARGET,
		   SOURCE + 5, COUNT - 8, 2 * PAGES);
	check_equal("copied", equal_bytes(5) >= COUNT - 8, 1);
	check_copy("REP MOVSB downwards", repeat_movsb_down, repeat_movsb_down_at,
		   TARGET + COUNT - 1, SOURCE + COUNT - 1, COUNT, 2 * PAGES);
	check_equal("copied", equal_bytes(0), COUNT);
	check_copy("REP STOSD", repeat_stosd, repeat_stosd_at, TARGET, 0x5a5a1234, COUNT, PAGES);
	check_equal("the last one", load64(TARGET + COUNT - 8), 0x5a5a12345a5a1234);
	check_copy("REP LODSB", repeat_lodsb, repeat_lodsb_at, SOURCE, 0, COUNT, PAGES);

	fill();
	group("REPNE SCASB");
	where = repeat_scasb_at;
	frames[PAGES + 2][100] = 0x99;
	check_runs("stops at the byte", COUNT - 2 * PAGE_SIZE - 101, repeat_scasb, TARGET, 0x99,
		   COUNT);
	check_equal("page faults", faults, 3);
	fill();
	group("REPE CMPSB");
	where = repeat_cmpsb_at;
	memcpy(frames[PAGES], frames[0], 3 * PAGE_SIZE);
	frames[PAGES + 1][7] ^= 1;
	check_runs("stops at the difference", COUNT - PAGE_SIZE - 8, repeat_cmpsb, TARGET, SOURCE,
		   COUNT);
	check_equal("page faults", faults, 4);
	hooks[PF] = NULL;
}

/* Without a hook: what the registers are at the fault. */
static void check_partial(void)
{
	const struct pt_regs *last = &this_cpu()->last;

	group("REP MOVSB stopped by a fault");
	fill();
	map(SOURCE, frames[0], 0);
	map(TARGET, frames[PAGES], PTE_W);
	check_fault("fault", PF, 0, repeat_movsb, TARGET, SOURCE + PAGE_SIZE - 100, COUNT);
	check_equal("RCX", last->rcx, COUNT - 100);
	check_equal("RSI", last->rsi, SOURCE + PAGE_SIZE);
	check_equal("RDI", last->rdi, TARGET + 100);
	check_equal("CR2", this_cpu()->last_cr2, SOURCE + PAGE_SIZE);
	check_equal("bytes before it are stored", frames[PAGES][99], frames[0][PAGE_SIZE - 1]);
	check_equal("and none behind", frames[PAGES][100], 0);
	map(SOURCE + PAGE_SIZE, frames[1], 0);
	check_fault("the target faults", PF, PF_WRITE, repeat_movsb, TARGET + PAGE_SIZE - 10,
		    SOURCE, COUNT);
	check_equal("RCX then", last->rcx, COUNT - 10);
	check_equal("RSI then", last->rsi, SOURCE + 10);
	store64(TARGET + PAGE_SIZE - 8, 0);
	check_fault("an element half in the absent page", PF, PF_WRITE, repeat_stosd,
		    TARGET + PAGE_SIZE - 6, -1ul, 40);
	check_equal("RCX counts the whole one", last->rcx, 9);
	check_equal("RDI stands before it", last->rdi, TARGET + PAGE_SIZE - 2);
	check_equal("which is not there", load64(TARGET + PAGE_SIZE - 8) >> 48, 0);
}

/* CMPS and SCAS make flags at their end only (SDM Vol. 2B, "REP"). */
static void check_flags(void)
{
	const struct pt_regs *last = &this_cpu()->last;

	group("flags at a fault");
	fill();
	memset(frames[0], 5, PAGE_SIZE);
	memset(frames[PAGES], 5, PAGE_SIZE);
	map(SOURCE, frames[0], 0);
	map(TARGET, frames[PAGES], PTE_W);
	check_fault("REPE CMPSB", PF, 0, repeat_cmpsb_flags, TARGET + 100, SOURCE, COUNT);
	check_equal("RCX", last->rcx, COUNT - (PAGE_SIZE - 100));
	check_equal("the flags of before", last->rflags & STATUS, OF_AF);
	check_fault("REPNE SCASB", PF, 0, repeat_scasb_flags, TARGET, COUNT);
	check_equal("RCX", last->rcx, COUNT - PAGE_SIZE);
	check_equal("the flags of before", last->rflags & STATUS, OF_AF);
}

static void check_single(void)
{
	group("single string instructions");
	fill();
	map(SOURCE, frames[0], 0);
	map(TARGET, frames[PAGES], PTE_W);
	check_runs("MOVSD goes up", TARGET + 12, one_movsd, TARGET + 8, SOURCE);
	check_runs("with DF down", TARGET + 12, one_movsd_down, TARGET + 16, SOURCE);
	check_runs("REP with RCX 0 keeps the flags", 1, repeat_none, 5, TARGET);
	/* The address size makes the count ECX; the upper half is zero then. */
	memset(frames[8], 0, 16);
	map(0x50000000, frames[8], PTE_W);
	check_runs("address size 32: ECX counts", 0, count_32, 0x50000000);
	unmap(0x50000000);
}

void check_strings(void)
{
	check_restarted();
	check_partial();
	check_flags();
	check_single();
	unmap_all();
}
