/* Instructions that compilers seldom or never choose, by inline assembly; defined flags only. */
#include "programs.h"

#define CF 0x001
#define ZF 0x040
#define SF 0x080
#define OF 0x800

/* The flags after `code`, which works on %1. The push must not hit the red zone. */
#define FLAGS(mask, code, x)                                                                       \
	({                                                                                         \
		u64 flags_;                                                                        \
		asm volatile("lea -128(%%rsp), %%rsp\n\t" code "\n\tpushfq\n\tpopq %0\n\t"         \
			     "lea 128(%%rsp), %%rsp"                                               \
			     : "=&r"(flags_), "+r"(x)                                              \
			     :                                                                     \
			     : "cc");                                                              \
		(u32)flags_ & (mask);                                                              \
	})

/* The bit that was there. */
#define BIT(code, place, offset)                                                                   \
	({                                                                                         \
		u8 old_;                                                                           \
		asm volatile(code ", %1; setc %0"                                                  \
			     : "=q"(old_), "+m"(place)                                             \
			     : "r"(offset)                                                         \
			     : "memory", "cc");                                                    \
		old_;                                                                              \
	})

static void bit_instructions(void)
{
	u64 memory[4] = { 0, 0, 0, 0 };
	u8 old;

	/* A register offset reaches beyond the operand, in both directions. */
	old = BIT("btsq %2", memory[1], -3l);
	out("bts %u %lx", old, memory[0]);
	old = BIT("btcq %2", memory[1], 130l);
	out(" btc %u %lx", old, memory[3]);
	old = BIT("btrw %w2", memory[1], -3);
	out(" btr %u %lx", old, memory[0]);
	asm volatile("btl $35, %1; setc %0" : "=q"(old) : "r"(8) : "cc");
	out(" bt %u\n", old);
}

static void exchanges(void)
{
	u64 a = 5, b = 7, c = 0xffffffff00000005, memory = 100;
	u8 equal;

	asm volatile("xaddq %0, %1" : "+r"(a), "+m"(memory) : : "cc");
	asm volatile("xchgq %0, %1" : "+r"(b), "+m"(memory));
	out("xadd %lu xchg %lu %lu", a, b, memory);
	asm volatile("cmpxchgl %k3, %k1; sete %2"
		     : "+a"(c), "+r"(memory), "=q"(equal)
		     : "r"(9)
		     : "cc");
	out(" cmpxchg %lx %lu %u", c, memory, equal);
	asm volatile("cmpxchgl %k3, %k1; sete %2"
		     : "+a"(c), "+r"(memory), "=q"(equal)
		     : "r"(9)
		     : "cc");
	out(" %lx %lu %u", c, memory, equal);
	asm volatile("bswapq %0" : "+r"(c));
	out(" bswap %lx\n", c);
}

static void wide_exchange(void)
{
	union {
		u128 whole;
		u64 half[2];
	} pair = { .half = { 1, 2 } };
	u64 low = 1, high = 3;
	u8 equal;

	for (u32 i = 0; i < 2; i++) {
		asm volatile("lock cmpxchg16b %1; sete %0"
			     : "=q"(equal), "+m"(pair.whole), "+a"(low), "+d"(high)
			     : "b"(10ul), "c"(20ul)
			     : "cc");
		out("cmpxchg16b %u %lu,%lu %lu,%lu\n", equal, pair.half[0], pair.half[1], low,
		    high);
	}
	asm volatile("cmpxchg8b %1; sete %0"
		     : "=q"(equal), "+m"(pair.half[0]), "+a"(low), "+d"(high)
		     : "b"(1), "c"(2)
		     : "cc");
	out("cmpxchg8b %u %lx %lu,%lu\n", equal, pair.half[0], low, high);
}

static void flag_instructions(void)
{
	u64 ah = 0xd5, saved;
	u32 x = 0x80000000;

	asm volatile("movb %b1, %%ah; sahf; lahf; movzbl %%ah, %k0"
		     : "=&a"(saved)
		     : "d"(ah)
		     : "cc");
	out("sahf %lx", saved);
	out(" stc %x", FLAGS(CF, "stc", x));
	out(" cmc %x", FLAGS(CF, "stc; cmc", x));
	out(" neg %x", FLAGS(CF | ZF | SF | OF, "negl %1", x));
	out(" rol %x", FLAGS(CF | OF, "roll $1, %1", x));
	out(" shl0 %x", FLAGS(CF, "stc; shll $32, %1", x));
	out(" inc %x", FLAGS(CF | OF, "clc; incl %1", x));
	out(" %x\n", x);
}

static void loops_and_tables(void)
{
	static const u8 table[256] = { [7] = 0x77, [255] = 0xee };
	u64 count = 5, sum = 0, al = 7;

	asm volatile("1:	addq %1, %0\n	loop 1b" : "+r"(sum), "+c"(count) : : "cc");
	out("loop %lu %lu", sum, count);
	count = 9;
	asm volatile("1:	decq %0\n	cmpq $4, %0\n	loopne 1b"
		     : "+r"(sum), "+c"(count)
		     :
		     : "cc");
	out(" loopne %lu %lu", sum, count);
	asm volatile("	jrcxz 1f\n	movl $1, %k0\n	xorl %%ecx, %%ecx\n	jrcxz 1f\n"
		     "	movl $2, %k0\n1:" : "+r"(sum), "+c"(count) : : "cc");
	out(" jrcxz %lu", sum);
	asm volatile("xlat" : "+a"(al) : "b"(table));
	out(" xlat %lx", al);
	al = 0xff;
	asm volatile("xlat" : "+a"(al) : "b"(table));
	out(" %lx\n", al);
}

u64 rare_frames(u64 value);
asm(".text\n"
    ".globl rare_frames\n"
    "rare_frames:\n"
    "	enter $32, $0\n"
    "	mov %rdi, -8(%rbp)\n"
    "	enter $16, $1\n"
    "	mov (%rbp), %rax\n"	/* the outer frame pointer */
    "	mov -8(%rax), %rax\n"
    "	leave\n"
    "	pushw $0x1234\n"
    "	pushq $-2\n"
    "	add (%rsp), %rax\n"
    "	pop %rdx\n"
    "	popw %dx\n"
    "	movzwl %dx, %edx\n"
    "	add %rdx, %rax\n"
    "	leave\n"
    "	push $1f\n"
    "	push %rax\n"
    "	pop %rax\n"
    "	ret $0\n"
    "1:	ret\n");

static void conversions(void)
{
	s64 a = 0x80, d = 1;

	asm volatile("cbw; cwde; cdqe; cqo" : "+a"(a), "=d"(d));
	out("cbw %ld cqo %ld", a, d);
	a = 0x7fff;
	asm volatile("cwd" : "+a"(a), "+d"(d));
	out(" cwd %lx", d);
	a = 0x80000000;
	asm volatile("cdq" : "+a"(a), "+d"(d));
	out(" cdq %lx", d);
	asm volatile("movb $0x12, %%ah; movb $0x34, %%dh; addb %%dh, %%ah"
		     : "+a"(a), "+d"(d)
		     :
		     : "cc");
	out(" high %lx %lx\n", a, d);
}

void program_rare(void)
{
	bit_instructions();
	exchanges();
	wide_exchange();
	flag_instructions();
	loops_and_tables();
	conversions();
	out("frames %lx\n", rare_frames(0x1000000000));
}
