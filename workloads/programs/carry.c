/* Chains of carries through inline assembly: ADC, SBB, RCL, RCR, SHLD, SHRD over eight words. */
#include "programs.h"

#define WORDS 8

/* The loop keeps CF alive: LEA and DEC do not touch it. */
static NOINLINE u8 add_words(u64 *a, const u64 *b)
{
	u64 count = WORDS, t;
	u8 carry;

	asm volatile("clc\n"
		     "1:	mov (%[b]), %[t]\n"
		     "	adc %[t], (%[a])\n"
		     "	lea 8(%[a]), %[a]\n"
		     "	lea 8(%[b]), %[b]\n"
		     "	dec %[count]\n"
		     "	jnz 1b\n"
		     "	setc %[carry]\n"
		     : [a] "+r"(a), [b] "+r"(b), [count] "+r"(count), [t] "=&r"(t),
		       [carry] "=r"(carry)
		     :
		     : "memory", "cc");
	return carry;
}

static NOINLINE u8 subtract_words(u64 *a, const u64 *b)
{
	u64 index = 0, count = WORDS, t;
	u8 borrow;

	asm volatile("clc\n"
		     "1:	mov (%[a],%[i],8), %[t]\n"
		     "	sbb (%[b],%[i],8), %[t]\n"
		     "	mov %[t], (%[a],%[i],8)\n"
		     "	inc %[i]\n"
		     "	loop 1b\n"
		     "	setc %[borrow]\n"
		     : [i] "+r"(index), "+c"(count), [t] "=&r"(t), [borrow] "=r"(borrow)
		     : [a] "r"(a), [b] "r"(b)
		     : "memory", "cc");
	return borrow;
}

static NOINLINE void rotate_words(u64 *a, bool left)
{
	u64 *at = left ? a : a + WORDS - 1;
	u64 count = WORDS;

	/* The bit that leaves at one end enters at the other. */
	if (left)
		asm volatile("	bt $63, %2\n"
			     "1:	rclq (%0)\n"
			     "	lea 8(%0), %0\n"
			     "	dec %1\n"
			     "	jnz 1b\n"
			     : "+r"(at), "+r"(count)
			     : "r"(a[WORDS - 1])
			     : "memory", "cc");
	else
		asm volatile("	bt $0, %2\n"
			     "1:	rcrq (%0)\n"
			     "	lea -8(%0), %0\n"
			     "	dec %1\n"
			     "	jnz 1b\n"
			     : "+r"(at), "+r"(count)
			     : "r"(a[0])
			     : "memory", "cc");
}

static NOINLINE void shift_words_left(u64 *a, u8 count)
{
	for (u32 i = WORDS; i-- > 1;)
		asm volatile("shldq %%cl, %1, %0" : "+m"(a[i]) : "r"(a[i - 1]), "c"(count) : "cc");
	asm volatile("shlq %%cl, %0" : "+m"(a[0]) : "c"(count) : "cc");
}

static NOINLINE void shift_words_right(u64 *a, u8 count)
{
	for (u32 i = 0; i + 1 < WORDS; i++)
		asm volatile("shrdq %%cl, %1, %0" : "+r"(a[i]) : "r"(a[i + 1]), "c"(count) : "cc");
	asm volatile("sarq %%cl, %0" : "+r"(a[WORDS - 1]) : "c"(count) : "cc");
}

static NOINLINE u64 multiply_accumulate(u64 *a, u64 factor)
{
	u64 carry = 0;

	for (u32 i = 0; i < WORDS; i++) {
		u64 low = a[i], high;

		asm("mulq %3\n"
		    "addq %2, %0\n"
		    "adcq $0, %1\n"
		    : "+a"(low), "=&d"(high)
		    : "r"(carry), "r"(factor)
		    : "cc");
		a[i] = low;
		carry = high;
	}
	return carry;
}

static void print(const char *name, const u64 *a)
{
	out("%s", name);
	for (u32 i = WORDS; i--;)
		out(" %lx", a[i]);
	out("\n");
}

void program_carry(void)
{
	u64 a[WORDS], b[WORDS], state = 8;

	for (u32 i = 0; i < WORDS; i++) {
		a[i] = next_random(&state);
		b[i] = i % 3 ? ~a[i] : next_random(&state);
	}
	out("carry %u\n", add_words(a, b));
	print("sum", a);
	out("borrow %u\n", subtract_words(a, b));
	print("back", a);
	out("borrow %u\n", subtract_words(b, a));
	print("less", b);
	for (u32 i = 0; i < 100; i++)
		rotate_words(a, true);
	print("left", a);
	for (u32 i = 0; i < 37; i++)
		rotate_words(a, false);
	print("right", a);
	shift_words_left(a, 13);
	print("shld", a);
	shift_words_right(a, 29);
	print("shrd", a);
	out("high %lx\n", multiply_accumulate(a, 0xfedcba9876543211));
	print("mul", a);
}
