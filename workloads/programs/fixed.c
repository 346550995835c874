/* Fixed-point arithmetic: square roots, sines by CORDIC (Volder), a small Mandelbrot set. */
#include "programs.h"

#define ONE (1l << 32) /* 32.32 */

static s64 multiply(s64 a, s64 b)
{
	return (s128)a * b >> 32;
}

static u64 square_root(u64 x)
{
	u64 root = 0;

	for (u64 bit = 1ul << 62; bit; bit >>= 2) {
		if (x >= root + bit) {
			x -= root + bit;
			root = (root >> 1) + bit;
		} else {
			root >>= 1;
		}
	}
	return root;
}

/* Arcus tangent of 2^-i by its series, in 2.30. */
static s32 arc_tangent(u32 i)
{
	s64 power = 1l << (60 - i), sum = 0;

	if (i == 0)
		return 843314857; /* pi / 4 */
	for (u32 n = 1; power; n += 2) {
		sum += (n & 2 ? -1 : 1) * (power / n);
		power >>= 2 * i;
	}
	return (sum + (1l << 29)) >> 30;
}

static void rotate(s32 angle, s32 *sine, s32 *cosine)
{
	s32 x = 652032874, y = 0; /* the product of the cosines */

	for (u32 i = 0; i < 30; i++) {
		s32 dx = y >> i, dy = x >> i;

		if (angle >= 0) {
			x -= dx;
			y += dy;
			angle -= arc_tangent(i);
		} else {
			x += dx;
			y -= dy;
			angle += arc_tangent(i);
		}
	}
	*sine = y;
	*cosine = x;
}

static u32 escape(s64 re, s64 im)
{
	s64 x = 0, y = 0;

	for (u32 i = 0; i < 48; i++) {
		s64 xx = multiply(x, x), yy = multiply(y, y);

		if (xx + yy > 4 * ONE)
			return i;
		y = 2 * multiply(x, y) + im;
		x = xx - yy + re;
	}
	return 48;
}

void program_fixed(void)
{
	static const u64 squares[] = { 0, 1, 2, 99, 100, 65535ul * 65535, 0xffffffffffffffff };

	for (u32 i = 0; i < ARRAY_SIZE(squares); i++)
		out("%lu ", square_root(squares[i]));
	out("\n");
	for (s32 degrees = -90; degrees <= 90; degrees += 30) {
		s32 sine, cosine;

		rotate(degrees * 18740330, &sine, &cosine);
		out("%d: %d %d\n", degrees, (s32)((s64)sine * 10000 >> 30),
		    (s32)((s64)cosine * 10000 >> 30));
	}
	for (s32 row = -7; row <= 7; row++) {
		char line[41];

		for (s32 column = 0; column < 40; column++) {
			u32 steps = escape(-2 * ONE + column * ONE * 3 / 40, row * ONE / 6);

			line[column] = " .:-=+*#%@"[steps * 9 / 48];
		}
		line[40] = 0;
		out("%s|\n", line);
	}
}
