/*
 * Accesses that cross a line or a page. Where the second page faults, nothing has changed: not
 * the first page, no register, no flag.
 */
#include "system.h"

#define FIRST AREA
#define SECOND (AREA + PAGE_SIZE)
#define EDGE (SECOND - 4) /* eight bytes there are half in each page */
#define FILL 0x1111111111111111

PROBE(read_split, "mov $7, %eax", "mov (%rdi), %rax", "");
PROBE(write_split, "", "mov %rsi, (%rdi)", "");
PROBE(write_split_16, "", "mov %si, (%rdi)", "");
PROBE(add_split, "", "add %rsi, (%rdi)", "");
PROBE(lock_add_split, "", "lock add %rsi, (%rdi)", "");
PROBE(exchange_split, "mov %rsi, %rax", "xchg %rax, (%rdi)", "");
PROBE(xadd_split, "mov %rsi, %rax", "xadd %rax, (%rdi)", "");
PROBE(cmpxchg8b_split,
      "push %rbx\n mov (%rsi), %eax\n mov 4(%rsi), %edx\n mov $1, %ebx\n mov $2, %ecx",
      "lock cmpxchg8b (%rdi)", "setz %al\n movzbl %al, %eax\n pop %rbx");
PROBE(fetch_split, "", "call *%rdi", "");
PROBE(store_table_split, "", "sgdt (%rdi)", "");

static void refill(void)
{
	memset(frames[0], 0x11, PAGE_SIZE);
	memset(frames[1], 0x11, PAGE_SIZE);
}

static void check_untouched(const char *name)
{
	bool clean = true;

	for (u32 i = 0; i < PAGE_SIZE; i++)
		clean &= frames[0][i] == 0x11 && frames[1][i] == 0x11;
	check(name, clean);
	refill();
}

struct split {
	const char *name, *untouched;
	probe_fn fn;
	const void *at;
	bool writes;
};

static const struct split splits[] = {
	{ "load", "load: memory is untouched", read_split, read_split_at, false },
	{ "store", "store: memory is untouched", write_split, write_split_at, true },
	{ "ADD", "ADD: memory is untouched", add_split, add_split_at, true },
	{ "LOCK ADD", "LOCK ADD: memory is untouched", lock_add_split, lock_add_split_at, true },
	{ "XCHG", "XCHG: memory is untouched", exchange_split, exchange_split_at, true },
	{ "XADD", "XADD: memory is untouched", xadd_split, xadd_split_at, true },
};

static void check_faults(u64 lin, u64 cr2, u64 present)
{
	for (u32 i = 0; i < ARRAY_SIZE(splits); i++) {
		const struct split *s = &splits[i];
		u64 error = present | (s->writes ? PF_WRITE : 0);

		/* A read-only page can be read. */
		if (present && !s->writes)
			continue;
		check_trap(s->name, probe(s->fn, lin, 0x2222222222222222, 0), PF, error, s->at);
		check_equal("its CR2", this_cpu()->last_cr2, cr2);
		check_untouched(s->untouched);
	}
}

static void check_runs_across(const char *name, u64 lin)
{
	u64 pair = FILL;

	group(name);
	check_runs("load", FILL, read_split, lin);
	probe(write_split, lin, 0x0123456789abcdef, 0);
	check_runs("store", 0x0123456789abcdef, read_split, lin);
	check_equal("and nothing before it", load64(lin - 8), FILL);
	check_equal("nor behind", load64(lin + 8), FILL);
	probe(add_split, lin, 0x1010101010101010, 0);
	check_runs("ADD", 0x1133557799bbddff, read_split, lin);
	probe(lock_add_split, lin, 1, 0);
	check_runs("LOCK ADD", 0x1133557799bbde00, read_split, lin);
	check_runs("XCHG", 0x1133557799bbde00, exchange_split, lin, FILL);
	check_runs("XADD", FILL, xadd_split, lin, 0x1111);
	check_runs("failing CMPXCHG8B", 0, cmpxchg8b_split, lin, (u64)&pair);
	pair = FILL + 0x1111;
	check_runs("CMPXCHG8B", 1, cmpxchg8b_split, lin, (u64)&pair);
	check_runs("what it stored", 0x200000001, read_split, lin);
	refill();
}

static void check_fetch(void)
{
	/* mov $0x12345678, %eax over the edge; ret */
	static const u8 code[] = { 0xb8, 0x78, 0x56, 0x34, 0x12, 0xc3 };

	memcpy(frames[2] + PAGE_SIZE - 2, code, 2);
	memcpy(frames[3], code + 2, 4);
	map(FIRST, frames[2], 0);
	map(SECOND, frames[3], 0);
	check_runs("code across two pages", 0x12345678, fetch_split, SECOND - 2);
	map(SECOND, frames[3], PTE_NX);
	check_trap("the second one is NX", probe(fetch_split, SECOND - 2, 0, 0), PF,
		   PF_FETCH | PF_PRESENT, (void *)(SECOND - 2));
	check_equal("its CR2", this_cpu()->last_cr2, SECOND);
	unmap(SECOND);
	check_trap("the second one is absent", probe(fetch_split, SECOND - 2, 0, 0), PF, PF_FETCH,
		   (void *)(SECOND - 2));
	check_equal("its CR2", this_cpu()->last_cr2, SECOND);
	/* The RET at the very end needs nothing of the next page. */
	frames[2][PAGE_SIZE - 1] = 0xc3;
	invlpg(FIRST);
	check("code up to the edge", probe(fetch_split, SECOND - 1, 0, 0) == NO_FAULT);
}

void check_splits(void)
{
	refill();
	map(FIRST, frames[0], PTE_W);
	map(SECOND, frames[1], PTE_W);
	check_runs_across("across two lines", FIRST + 64 * 5 - 3);
	check_runs_across("across two pages", EDGE);

	unmap(SECOND);
	group("second page absent");
	check_faults(EDGE, SECOND, 0);
	check_fault("store of 16 bits", PF, PF_WRITE, write_split_16, SECOND - 1);
	check_untouched("store of 16 bits: memory is untouched");
	check_fault("SGDT", PF, PF_WRITE, store_table_split, SECOND - 2);
	check_untouched("SGDT: memory is untouched");
	map(SECOND, frames[1], 0);
	group("second page read-only");
	check_faults(EDGE, SECOND, PF_PRESENT);
	map(SECOND, frames[1], PTE_W);
	unmap(FIRST);
	group("first page absent");
	check_faults(EDGE, EDGE, 0);
	check_fault("SGDT", PF, PF_WRITE, store_table_split, SECOND - 1);
	check_untouched("SGDT: memory is untouched");
	unmap(SECOND);
	group("both pages absent");
	check_faults(EDGE, EDGE, 0);
	group("code");
	check_fetch();
	unmap(FIRST);
	unmap(SECOND);
}
