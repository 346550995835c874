/* The outcomes of the shapes in shapes.c, and which of them x86-TSO forbids. */
#ifndef OUTCOMES_H
#define OUTCOMES_H

#include <mini.h>

/* An outcome: 4 bits a thread as returned, then the last x and y, 2 bits each. */
#define R(state, side) ((state) >> 4 * (side) & 3)
#define S(state, side) ((state) >> (4 * (side) + 2) & 3)
#define LAST_X(state) ((state) >> 16 & 3)
#define LAST_Y(state) ((state) >> 18 & 3)

static bool forbidden_sb(u32 o, bool fenced)
{
	return fenced && R(o, 0) == 0 && R(o, 1) == 0;
}

static bool forbidden_r(u32 o, bool fenced)
{
	return fenced && R(o, 1) == 0 && LAST_Y(o) == 2;
}

static bool forbidden_n6(u32 o, bool fenced)
{
	if (R(o, 0) == 0 || (R(o, 0) == 2 && (S(o, 0) == 0 || LAST_X(o) == 1)))
		return true;
	return fenced && R(o, 0) == 1 && S(o, 0) == 0 && LAST_X(o) == 1;
}

static bool forbidden_mp(u32 o, bool fenced)
{
	(void)fenced;
	return R(o, 1) == 1 && S(o, 1) == 0;
}

static bool forbidden_lb(u32 o, bool fenced)
{
	(void)fenced;
	return R(o, 0) == 1 && R(o, 1) == 1;
}

static bool forbidden_s(u32 o, bool fenced)
{
	(void)fenced;
	return R(o, 1) == 1 && LAST_X(o) == 2;
}

static bool forbidden_w22(u32 o, bool fenced)
{
	(void)fenced;
	return LAST_X(o) == 1 && LAST_Y(o) == 1;
}

static bool forbidden_iriw(u32 o, bool fenced)
{
	(void)fenced;
	return R(o, 2) == 1 && S(o, 2) == 0 && R(o, 3) == 1 && S(o, 3) == 0;
}

#endif
