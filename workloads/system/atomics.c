/* Exchanges and bit instructions with memory: results, flags, faults that leave all as it was. */
#include "system.h"

#define PAGE AREA
#define ABSENT (AREA + PAGE_SIZE)

PROBE(xadd_memory, "mov %rsi, %rax", "lock xadd %rax, (%rdi)", "");
PROBE(xadd_32, "mov %rsi, %rax", "xadd %eax, (%rdi)", "");
PROBE(cmpxchg_memory, "mov %rdx, %rax", "lock cmpxchg %rsi, (%rdi)", "");
PROBE(cmpxchg_32, "mov %rdx, %rax", "cmpxchg %esi, (%rdi)", "");
/* RSI points at what is expected (two words) and then what is to be stored. */
PROBE(cmpxchg16b,
      "push %rbx\n mov (%rsi), %rax\n mov 8(%rsi), %rdx\n mov 16(%rsi), %rbx\n mov 24(%rsi), %rcx",
      "lock cmpxchg16b (%rdi)", "pop %rbx\n mov %rax, (%rsi)\n mov %rdx, 8(%rsi)\n setz %al\n"
				" movzbl %al, %eax");
PROBE(bts_memory, "", "bts %rsi, (%rdi)", "setc %al\n movzbl %al, %eax");
PROBE(lock_bts_memory, "", "lock bts %rsi, (%rdi)", "setc %al\n movzbl %al, %eax");
PROBE(btr_32, "", "btr %esi, (%rdi)", "setc %al\n movzbl %al, %eax");
PROBE(bt_16, "", "bt %si, (%rdi)", "setc %al\n movzbl %al, %eax");
PROBE(bts_constant, "", "btsq $65, (%rdi)", "setc %al\n movzbl %al, %eax");
PROBE(exchange_memory, "mov %rsi, %rax", "xchg %rax, (%rdi)", "");
PROBE(lock_dec, "", "lock decl (%rdi)", "sets %al\n movzbl %al, %eax");
PROBE(lock_not, "", "lock notq (%rdi)", "mov (%rdi), %rax");

static void check_cmpxchg16b(void)
{
	u64 words[4] = { 1, 2, 10, 20 };

	store64(PAGE + 16, 3);
	store64(PAGE + 24, 4);
	check_runs("CMPXCHG16B fails", 0, cmpxchg16b, PAGE + 16, (u64)words);
	check("and loads both words", words[0] == 3 && words[1] == 4);
	check_runs("CMPXCHG16B", 1, cmpxchg16b, PAGE + 16, (u64)words);
	check("it stores both words", load64(PAGE + 16) == 10 && load64(PAGE + 24) == 20);
	words[0] = 10;
	words[1] = 21;
	check_runs("one word differs", 0, cmpxchg16b, PAGE + 16, (u64)words);
	check_fault("unaligned", GP, 0, cmpxchg16b, PAGE + 8, (u64)words);
	check_fault("absent", PF, PF_WRITE, cmpxchg16b, ABSENT, (u64)words);
	map(PAGE, frames[0], 0);
	check_fault("read-only, and it would fail", PF, PF_WRITE | PF_PRESENT, cmpxchg16b,
		    PAGE + 16, (u64)words);
	map(PAGE, frames[0], PTE_W);
}

static void check_bits(void)
{
	memset(frames[0], 0, PAGE_SIZE);
	check_runs("BTS far above", 0, bts_memory, PAGE, 8 * 100 + 3);
	check_equal("the bit is there", frames[0][100], 8);
	check_runs("BTS again finds it", 1, bts_memory, PAGE, 8 * 100 + 3);
	check_runs("LOCK BTS below", 0, lock_bts_memory, PAGE + 64, -1ul);
	check_equal("the bit is there", frames[0][63], 0x80);
	check_runs("BTR of 32 bits below", 1, btr_32, PAGE + 64, -1u);
	check_equal("the bit is gone", frames[0][63], 0);
	store64(PAGE + 32, 1ul << 15);
	check_runs("BT of 16 bits", 1, bt_16, PAGE + 34, (u16)-1);
	check_runs("a constant counts modulo 64", 0, bts_constant, PAGE + 8);
	check_equal("the bit is there", load64(PAGE + 8), 2);
	check_fault("BTS beyond the page", PF, PF_WRITE, bts_memory, PAGE, 8 * PAGE_SIZE + 64 * 3);
	check_equal("its CR2", this_cpu()->last_cr2, ABSENT + 24);
	check_fault("LOCK BTS below the area", PF, PF_WRITE, lock_bts_memory, PAGE, -1ul);
	check_equal("its CR2", this_cpu()->last_cr2, PAGE - 8);
}

void check_atomics(void)
{
	map(PAGE, frames[0], PTE_W);
	unmap(ABSENT);
	unmap(PAGE - PAGE_SIZE);
	store64(PAGE, 0x1111111122222222);
	check_runs("XADD", 0x1111111122222222, xadd_memory, PAGE, 5);
	check_equal("the sum", load64(PAGE), 0x1111111122222227);
	check_runs("XADD of 32 bits clears the upper half", 0x22222227, xadd_32, PAGE, ~0ul);
	check_equal("the sum", load64(PAGE), 0x1111111122222226);
	check_runs("CMPXCHG fails", 0x1111111122222226, cmpxchg_memory, PAGE, 1, 2);
	check_runs("CMPXCHG", 0x1111111122222226, cmpxchg_memory, PAGE, 9, 0x1111111122222226);
	check_equal("it stored", load64(PAGE), 9);
	check_runs("CMPXCHG of 32 bits keeps RAX", 0xffffffff00000009, cmpxchg_32, PAGE, 8,
		   0xffffffff00000009);
	check_runs("and clears its upper half when it fails", 8, cmpxchg_32, PAGE, 7, ~0ul);
	check_runs("XCHG", 8, exchange_memory, PAGE, 1);
	check_runs("LOCK DEC to 0", 0, lock_dec, PAGE);
	check_runs("LOCK DEC to -1", 1, lock_dec, PAGE);
	check_runs("LOCK NOT", 0xffffffff00000000, lock_not, PAGE);
	check_fault("XADD absent", PF, PF_WRITE, xadd_memory, ABSENT, 5);
	check_equal("its register is unchanged", this_cpu()->last.rax, 5);
	check_fault("XCHG absent", PF, PF_WRITE, exchange_memory, ABSENT, 6);
	check_equal("its register is unchanged", this_cpu()->last.rax, 6);
	check_cmpxchg16b();
	check_bits();
	unmap(PAGE);
}
