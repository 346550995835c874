/* Primes: a sieve of bits, Miller and Rabin's test for 64 bits, Pollard's rho, totients. */
#include "programs.h"

#define LIMIT 20000

static u64 composite[LIMIT / 128 + 1]; /* odd numbers only */

static bool is_marked(u32 n)
{
	return composite[n / 128] >> (n / 2 & 63) & 1;
}

static u32 sieve(void)
{
	u32 count = 1;

	for (u32 n = 3; n < LIMIT; n += 2) {
		if (is_marked(n))
			continue;
		count++;
		for (u32 multiple = n * n; n < 200 && multiple < LIMIT; multiple += 2 * n)
			composite[multiple / 128] |= 1ul << (multiple / 2 & 63);
	}
	return count;
}

static u64 multiply_modulo(u64 a, u64 b, u64 m)
{
	u64 high, low, rest;

	asm("mulq %3" : "=a"(low), "=d"(high) : "0"(a), "rm"(b) : "cc");
	asm("divq %3" : "+a"(low), "=d"(rest) : "1"(high), "rm"(m) : "cc");
	return rest;
}

static u64 power_modulo(u64 base, u64 exponent, u64 m)
{
	u64 result = 1;

	for (base %= m; exponent; exponent >>= 1) {
		if (exponent & 1)
			result = multiply_modulo(result, base, m);
		base = multiply_modulo(base, base, m);
	}
	return result;
}

/* With these bases the test is exact below 2^64. */
static bool is_prime(u64 n)
{
	static const u8 bases[] = { 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37 };
	u32 twos;

	for (u32 i = 0; i < ARRAY_SIZE(bases); i++)
		if (n % bases[i] == 0)
			return n == bases[i];
	if (n < 2)
		return false;
	twos = __builtin_ctzl(n - 1);
	for (u32 i = 0; i < ARRAY_SIZE(bases); i++) {
		u64 x = power_modulo(bases[i], (n - 1) >> twos, n);
		bool witness = x != 1 && x != n - 1;

		for (u32 k = 1; k < twos && witness; k++) {
			x = multiply_modulo(x, x, n);
			witness = x != n - 1;
		}
		if (witness)
			return false;
	}
	return true;
}

static u64 greatest_divisor(u64 a, u64 b)
{
	return b ? greatest_divisor(b, a % b) : a;
}

static u64 factor(u64 n)
{
	if (n % 2 == 0)
		return 2;
	for (u64 c = 1;; c++) {
		u64 slow = 2, fast = 2, d = 1;

		while (d == 1) {
			slow = (multiply_modulo(slow, slow, n) + c) % n;
			fast = (multiply_modulo(fast, fast, n) + c) % n;
			fast = (multiply_modulo(fast, fast, n) + c) % n;
			d = greatest_divisor(slow > fast ? slow - fast : fast - slow, n);
		}
		if (d != n)
			return d;
	}
}

static void print_factors(u64 n)
{
	out("%lu =", n);
	while (n > 1) {
		u64 p = n;

		while (!is_prime(p))
			p = factor(p);
		out(" %lu", p);
		n /= p;
	}
	out("\n");
}

void program_primes(void)
{
	u32 twins = 0, wrong = 0;

	out("%u primes below %u\n", sieve(), LIMIT);
	for (u32 n = 3; n + 2 < LIMIT; n += 2)
		twins += !is_marked(n) && !is_marked(n + 2);
	for (u32 n = 3; n < 2000; n += 2)
		wrong += is_prime(n) == is_marked(n);
	out("%u twins, %u wrong\n", twins, wrong);
	out("%d %d %d\n", is_prime(18446744073709551557ul), is_prime(18446744073709551556ul),
	    is_prime(3215031751));
	print_factors(600851475143);
	print_factors(18446744073709551615ul);
	print_factors(1000036000099);
}
