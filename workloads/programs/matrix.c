/* Matrices of integers: products, transposition, powers modulo a prime, determinants (Bareiss). */
#include "programs.h"

#define N 12
#define PRIME 998244353

static void fill(s32 (*a)[N], u64 seed)
{
	u64 state = seed;

	for (u32 i = 0; i < N; i++)
		for (u32 j = 0; j < N; j++)
			a[i][j] = (s32)(next_random(&state) >> 33) % 100;
}

static void multiply(s64 (*c)[N], s32 (*a)[N], s32 (*b)[N])
{
	for (u32 i = 0; i < N; i++) {
		for (u32 j = 0; j < N; j++) {
			s64 sum = 0;

			for (u32 k = 0; k < N; k++)
				sum += (s64)a[i][k] * b[k][j];
			c[i][j] = sum;
		}
	}
}

static void transpose(s32 (*a)[N])
{
	for (u32 i = 0; i < N; i++) {
		for (u32 j = 0; j < i; j++) {
			s32 t = a[i][j];

			a[i][j] = a[j][i];
			a[j][i] = t;
		}
	}
}

/* 128 bits, because the intermediate determinants of order 8 are large. */
static s64 determinant(s32 (*a)[N], u32 n)
{
	s64 m[N][N], previous = 1;
	s32 sign = 1;

	for (u32 i = 0; i < n; i++)
		for (u32 j = 0; j < n; j++)
			m[i][j] = a[i][j] % 10;
	for (u32 k = 0; k + 1 < n; k++) {
		u32 pivot = k;

		while (pivot < n && !m[pivot][k])
			pivot++;
		if (pivot == n)
			return 0;
		for (u32 j = 0; j < n && pivot != k; j++) {
			s64 t = m[k][j];

			m[k][j] = m[pivot][j];
			m[pivot][j] = t;
		}
		sign = pivot == k ? sign : -sign;
		for (u32 i = k + 1; i < n; i++)
			for (u32 j = k + 1; j < n; j++)
				m[i][j] = (m[i][j] * m[k][k] - m[i][k] * m[k][j]) / previous;
		previous = m[k][k];
	}
	return sign * m[n - 1][n - 1];
}

struct two {
	u32 a, b, c, d;
};

static struct two product(struct two x, struct two y)
{
	return (struct two){
		((u64)x.a * y.a + (u64)x.b * y.c) % PRIME,
		((u64)x.a * y.b + (u64)x.b * y.d) % PRIME,
		((u64)x.c * y.a + (u64)x.d * y.c) % PRIME,
		((u64)x.c * y.b + (u64)x.d * y.d) % PRIME,
	};
}

static u32 fibonacci(u64 n)
{
	struct two result = { 1, 0, 0, 1 }, square = { 1, 1, 1, 0 };

	for (; n; n >>= 1) {
		if (n & 1)
			result = product(result, square);
		square = product(square, square);
	}
	return result.b;
}

void program_matrix(void)
{
	static s32 a[N][N], b[N][N];
	static s64 c[N][N];
	s64 trace = 0, sum = 0;

	fill(a, 1);
	fill(b, 2);
	multiply(c, a, b);
	for (u32 i = 0; i < N; i++) {
		trace += c[i][i];
		for (u32 j = 0; j < N; j++)
			sum = sum * 7 + c[i][j];
	}
	out("trace %ld sum %lx corner %ld\n", trace, sum, c[N - 1][N - 1]);
	transpose(a);
	multiply(c, b, a);
	out("row");
	for (u32 j = 0; j < N; j++)
		out(" %ld", c[3][j]);
	out("\n");
	for (u32 n = 2; n <= 7; n++)
		out("det%u %ld %ld\n", n, determinant(a, n), determinant(b, n));
	out("%u %u %u\n", fibonacci(10), fibonacci(1000000), fibonacci(0xffffffffffffffff));
}
