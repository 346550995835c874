/* Large numbers: factorials, Fibonacci numbers, division, modular powers, in limbs of 64 bits. */
#include "programs.h"

#define LIMBS 20

struct big {
	u64 limb[LIMBS];
};

static struct big from_u64(u64 value)
{
	struct big big = { { value } };

	return big;
}

static u64 add(struct big *a, const struct big *b)
{
	u64 carry = 0;

	for (u32 i = 0; i < LIMBS; i++) {
		u128 sum = (u128)a->limb[i] + b->limb[i] + carry;

		a->limb[i] = sum;
		carry = sum >> 64;
	}
	return carry;
}

static u64 subtract(struct big *a, const struct big *b)
{
	bool borrow = false;

	for (u32 i = 0; i < LIMBS; i++) {
		u64 difference;
		bool first = __builtin_sub_overflow(a->limb[i], b->limb[i], &difference);
		bool second = __builtin_sub_overflow(difference, borrow, &a->limb[i]);

		borrow = first | second;
	}
	return borrow;
}

static void multiply_small(struct big *a, u64 factor)
{
	u64 carry = 0;

	for (u32 i = 0; i < LIMBS; i++) {
		u128 product = (u128)a->limb[i] * factor + carry;

		a->limb[i] = product;
		carry = product >> 64;
	}
}

static struct big multiply(const struct big *a, const struct big *b)
{
	struct big product = { { 0 } };

	for (u32 i = 0; i < LIMBS; i++) {
		u64 carry = 0;

		for (u32 j = 0; i + j < LIMBS; j++) {
			u128 sum = (u128)a->limb[i] * b->limb[j] + product.limb[i + j] + carry;

			product.limb[i + j] = sum;
			carry = sum >> 64;
		}
	}
	return product;
}

/* Limbs of 32 bits halve the division, so that it needs no 128-bit quotient. */
static u32 divide_small(struct big *a, u32 divisor)
{
	u64 rest = 0;

	for (u32 i = LIMBS; i--;) {
		u64 high = rest << 32 | a->limb[i] >> 32;
		u64 low = high % divisor << 32 | (u32)a->limb[i];

		a->limb[i] = high / divisor << 32 | low / divisor;
		rest = low % divisor;
	}
	return rest;
}

static int compare(const struct big *a, const struct big *b)
{
	for (u32 i = LIMBS; i--;)
		if (a->limb[i] != b->limb[i])
			return a->limb[i] < b->limb[i] ? -1 : 1;
	return 0;
}

static bool bit(const struct big *a, u32 index)
{
	return a->limb[index / 64] >> index % 64 & 1;
}

static void shift_left(struct big *a)
{
	for (u32 i = LIMBS; i-- > 1;)
		a->limb[i] = a->limb[i] << 1 | a->limb[i - 1] >> 63;
	a->limb[0] <<= 1;
}

/* Restoring division, a bit at a time; returns the remainder. */
static struct big divide(struct big *a, const struct big *b)
{
	struct big rest = from_u64(0);
	u32 limbs = LIMBS;

	while (limbs && !a->limb[limbs - 1])
		limbs--;
	for (u32 i = limbs * 64; i--;) {
		bool one = bit(a, i);

		shift_left(&rest);
		rest.limb[0] |= one;
		a->limb[i / 64] &= ~(1ul << i % 64);
		if (compare(&rest, b) >= 0) {
			subtract(&rest, b);
			a->limb[i / 64] |= 1ul << i % 64;
		}
	}
	return rest;
}

static void print_decimal(const char *name, struct big a)
{
	u32 part[LIMBS * 64 / 29 + 1], count = 0;

	while (compare(&a, &(struct big){ { 0 } }) != 0)
		part[count++] = divide_small(&a, 1000000000);
	out("%s %u", name, count ? part[--count] : 0);
	while (count)
		out("%09u", part[--count]);
	out("\n");
}

static struct big power_modulo(u64 base, u64 exponent, const struct big *modulus)
{
	struct big result = from_u64(1), square = from_u64(base);

	for (; exponent; exponent >>= 1) {
		if (exponent & 1) {
			result = multiply(&result, &square);
			result = divide(&result, modulus);
		}
		square = multiply(&square, &square);
		square = divide(&square, modulus);
	}
	return result;
}

void program_bignum(void)
{
	struct big a = from_u64(1), b = from_u64(0), modulus = from_u64(0), rest;

	for (u32 i = 2; i <= 150; i++)
		multiply_small(&a, i);
	print_decimal("150!", a);

	for (u32 i = 2; i <= 100; i++) {
		b = i == 2 ? from_u64(1) : b;
		multiply_small(&b, i);
	}
	print_decimal("100!", b);
	rest = divide(&a, &b);
	print_decimal("150!/100!", a);
	print_decimal("rest", rest);

	a = from_u64(0);
	b = from_u64(1);
	for (u32 i = 0; i < 500; i++) {
		struct big t = b;

		add(&b, &a);
		a = t;
	}
	print_decimal("F500", a);

	modulus.limb[1] = 1ul << 63; /* 2^127 - 1 is prime: 3^(p - 1) = 1 */
	rest = from_u64(1);
	subtract(&modulus, &rest);
	print_decimal("p", modulus);
	print_decimal("3^1003 mod p", power_modulo(3, 1003, &modulus));
	out("borrow %lu\n", subtract(&rest, &modulus));
}
