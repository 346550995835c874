/* Function pointers: tables, comparison and visitor callbacks, objects with virtual functions. */
#include "programs.h"

struct shape;

struct shape_class {
	const char *name;
	u64 (*area)(const struct shape *);
	void (*scale)(struct shape *, u32);
};

struct shape {
	const struct shape_class *class;
	u32 a, b;
};

static u64 rectangle_area(const struct shape *shape)
{
	return (u64)shape->a * shape->b;
}

static u64 triangle_area(const struct shape *shape)
{
	return (u64)shape->a * shape->b / 2;
}

static u64 square_area(const struct shape *shape)
{
	return (u64)shape->a * shape->a;
}

static void scale_both(struct shape *shape, u32 factor)
{
	shape->a *= factor;
	shape->b *= factor;
}

static void scale_one(struct shape *shape, u32 factor)
{
	shape->a *= factor;
}

static const struct shape_class rectangle = { "rectangle", rectangle_area, scale_both };
static const struct shape_class triangle = { "triangle", triangle_area, scale_both };
static const struct shape_class square = { "square", square_area, scale_one };

typedef s64 (*operation)(s64, s64);

static s64 add(s64 a, s64 b)
{
	return a + b;
}

static s64 subtract(s64 a, s64 b)
{
	return a - b;
}

static s64 multiply(s64 a, s64 b)
{
	return a * b;
}

static s64 maximum(s64 a, s64 b)
{
	return a > b ? a : b;
}

static const operation operations[] = { add, subtract, multiply, maximum };

static NOINLINE s64 fold(const s32 *values, u32 count, s64 start, operation op)
{
	for (u32 i = 0; i < count; i++)
		start = op(start, values[i]);
	return start;
}

struct visit {
	bool (*visitor)(struct visit *, s32);
	s64 state;
};

static bool collect_odd(struct visit *visit, s32 value)
{
	if (value & 1)
		visit->state = visit->state * 10 + value;
	return true;
}

static bool until_negative(struct visit *visit, s32 value)
{
	visit->state += value;
	return value >= 0;
}

static NOINLINE s64 each(const s32 *values, u32 count, bool (*visitor)(struct visit *, s32))
{
	struct visit visit = { visitor, 0 };

	for (u32 i = 0; i < count && visit.visitor(&visit, values[i]); i++)
		;
	return visit.state;
}

/* A function that returns the next one to call: states of a traffic light. */
typedef void *(*light)(u32 *);

static void *red(u32 *time);

static void *yellow(u32 *time)
{
	*time += 3;
	return red;
}

static void *green(u32 *time)
{
	*time += 20;
	return yellow;
}

static void *red(u32 *time)
{
	*time += 30;
	return *time % 4 ? (void *)green : (void *)yellow;
}

void program_callbacks(void)
{
	static const s32 values[] = { 3, 1, 4, 1, 5, 9, -2, 6, 5, 3, 5 };
	struct shape shapes[] = { { &rectangle, 3, 4 }, { &triangle, 5, 6 }, { &square, 7, 0 } };
	light state = red;
	u32 time = 0;

	for (u32 round = 1; round <= 3; round++) {
		for (u32 i = 0; i < ARRAY_SIZE(shapes); i++) {
			struct shape *shape = &shapes[(i * 2 + round) % ARRAY_SIZE(shapes)];

			shape->class->scale(shape, round);
			out("%s %lu ", shape->class->name, shape->class->area(shape));
		}
		out("\n");
	}
	for (u32 i = 0; i < ARRAY_SIZE(operations); i++)
		out("%ld ", fold(values, ARRAY_SIZE(values), i, operations[i]));
	out("%ld %ld\n", each(values, ARRAY_SIZE(values), collect_odd),
	    each(values, ARRAY_SIZE(values), until_negative));
	for (u32 i = 0; i < 40; i++)
		state = (light)state(&time);
	out("time %u, %s\n", time, state == red ? "red" : state == green ? "green" : "yellow");
}
