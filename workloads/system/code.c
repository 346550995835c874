/*
 * Code that is written while it is used. On the same processor a jump to it is enough
 * (SDM Vol. 3A, "Handling Self- and Cross-Modifying Code"); through another linear address, or from
 * another processor (cpus.c), a serialising instruction stands before it.
 */
#include "system.h"

#define ROUNDS 100
#define ALIAS AREA

static u8 code[2 * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

/* mov $value, %eax; ret */
static void write_function(volatile u8 *at, u32 value)
{
	at[0] = 0xb8;
	*(volatile u32 *)(at + 1) = value;
	at[5] = 0xc3;
}

static u32 call(const volatile u8 *at)
{
	u32 value;

	asm volatile("call *%1"
		     : "=a"(value)
		     : "r"(at)
		     : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
	return value;
}

static void serialise(void)
{
	u32 a = 0, b, c, d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d) : : "memory");
}

static void check_rewritten(const char *name, u8 *at, bool serialised)
{
	u32 wrong = 0;

	write_function(at, 0);
	for (u32 i = 0; i < ROUNDS; i++) {
		/* The four bytes of the constant only: the instruction stays what it is. */
		*(volatile u32 *)(at + 1) = i * 0x01010101;
		if (serialised)
			serialise();
		wrong += call(at) != i * 0x01010101;
	}
	check_equal(name, wrong, 0);
}

/* The store, and then with nothing but a jump the instruction that it changed. */
u64 jump_after_store(u8 *line, u64 value);
asm(".text\n"
    ".globl jump_after_store\n"
    "jump_after_store:\n"
    "	mov %esi, 1(%rdi)\n"
    "	jmp *%rdi\n");

/* Four bytes that change into other instructions. */
static void check_lengths(void)
{
	static const u8 bodies[][4] = {
		{ 0x90, 0x90, 0x90, 0xc3 }, /* nop; nop; nop; ret */
		{ 0xff, 0xc0, 0x90, 0xc3 }, /* inc %eax; nop; ret */
		{ 0x83, 0xc0, 0x05, 0xc3 }, /* add $5, %eax; ret */
		{ 0xc3, 0x0f, 0x0b, 0x90 }, /* ret; ud2 */
		{ 0xeb, 0x01, 0x06, 0xc3 }, /* jmp over a bad byte; ret */
	};
	static const u32 results[] = { 0, 1, 5, 0, 0 };
	u32 wrong = 0, value;

	for (u32 i = 0; i < 4 * ARRAY_SIZE(bodies); i++) {
		u32 which = i * 3 % ARRAY_SIZE(bodies);

		memcpy(code + 8, bodies[which], 4);
		asm volatile("xor %%eax, %%eax\n	call *%1"
			     : "=a"(value)
			     : "r"(code + 8)
			     : "memory", "cc");
		wrong += value != results[which];
	}
	check_equal("instructions of other lengths", wrong, 0);
}

static void check_alias(void)
{
	u32 wrong = 0;

	write_function(code, 1);
	map(ALIAS, code, PTE_W);
	for (u32 i = 0; i < ROUNDS; i++) {
		*(volatile u32 *)(ALIAS + 1) = i;
		serialise();
		wrong += call(code) != i;
		*(volatile u32 *)(code + 1) = i + 1000;
		serialise();
		wrong += call((u8 *)ALIAS) != i + 1000;
	}
	check_equal("through another address, serialised", wrong, 0);
	unmap(ALIAS);
}

/* The same address, another page: what was decoded there is another page's. */
static void check_remapped(void)
{
	u32 wrong = 0;

	write_function(frames[0], 10);
	write_function(frames[1], 11);
	for (u32 i = 0; i < ROUNDS; i++) {
		map(ALIAS, frames[i & 1], 0);
		wrong += call((u8 *)ALIAS) != 10 + (i & 1);
	}
	check_equal("another page at the address", wrong, 0);
	unmap(ALIAS);
}

/* Copied by REP MOVSB, called, filled by REP STOSB, called. */
static void check_copied(void)
{
	u8 function[6];
	u32 wrong = 0;
	u64 vector;

	for (u32 i = 0; i < 20; i++) {
		u8 *to = code + 64 * i;

		write_function(function, i);
		memset(code + 64 * i, 0x90, 64);
		asm volatile("rep movsb"
			     :
			     : "D"(to), "S"((u8 *)function), "c"(sizeof(function))
			     : "memory");
		wrong += call(code + 64 * i) != i;
	}
	check_equal("code that REP MOVSB wrote", wrong, 0);
	memset(code, 0x06, PAGE_SIZE); /* no opcode */
	vector = probe((probe_fn)code, 0, 0, 0);
	check_equal("code that was destroyed", vector, UD);
}

void check_code(void)
{
	u32 wrong = 0;

	check_rewritten("a constant in the code, serialised", code, true);
	check_rewritten("a constant in the code", code + 128, false);
	check_rewritten("over two lines", code + 256 - 3, false);
	check_rewritten("over two pages", code + PAGE_SIZE - 3, false);
	write_function(code + 512, 0);
	for (u32 i = 1; i < ROUNDS; i++)
		wrong += (u32)jump_after_store(code + 512, i) != i;
	check_equal("a store and a jump to it", wrong, 0);
	check_lengths();
	check_alias();
	check_remapped();
	check_copied();
}
