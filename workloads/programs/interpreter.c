/* A stack machine twice: by a switch, and by computed goto (GNU C, "Labels as Values"). */
#include "programs.h"

enum { PUSH, ADD, SUB, MUL, DIV, DUP, SWAP, OVER, DROP, LOAD, STORE, JUMP, BRANCH, LESS, CALL, RET,
       PRINT, HALT };

#define STACK 64

struct machine {
	s64 stack[STACK], memory[16];
	u32 returns[STACK];
	u64 steps;
};

static s64 step_binary(u8 op, s64 a, s64 b)
{
	switch (op) {
	case ADD:
		return a + b;
	case SUB:
		return a - b;
	case MUL:
		return (u64)a * b;
	case DIV:
		return b ? a / b : 0;
	default:
		return a < b;
	}
}

static void run_switch(const s16 *code, struct machine *m)
{
	u32 pc = 0, sp = 0, rp = 0;

	for (;;) {
		s16 op = code[pc++];
		s64 t;

		m->steps++;
		switch (op) {
		case PUSH:
			m->stack[sp++] = code[pc++];
			break;
		case ADD:
		case SUB:
		case MUL:
		case DIV:
		case LESS:
			sp--;
			m->stack[sp - 1] = step_binary(op, m->stack[sp - 1], m->stack[sp]);
			break;
		case DUP:
			m->stack[sp] = m->stack[sp - 1];
			sp++;
			break;
		case SWAP:
			t = m->stack[sp - 1];
			m->stack[sp - 1] = m->stack[sp - 2];
			m->stack[sp - 2] = t;
			break;
		case OVER:
			m->stack[sp] = m->stack[sp - 2];
			sp++;
			break;
		case DROP:
			sp--;
			break;
		case LOAD:
			m->stack[sp++] = m->memory[code[pc++]];
			break;
		case STORE:
			m->memory[code[pc++]] = m->stack[--sp];
			break;
		case JUMP:
			pc = code[pc];
			break;
		case BRANCH:
			pc = m->stack[--sp] ? code[pc] : pc + 1;
			break;
		case CALL:
			m->returns[rp++] = pc + 1;
			pc = code[pc];
			break;
		case RET:
			pc = m->returns[--rp];
			break;
		case PRINT:
			out("%ld ", m->stack[--sp]);
			break;
		case HALT:
			return;
		}
	}
}

#define NEXT                                                                                       \
	do {                                                                                       \
		m->steps++;                                                                        \
		goto *labels[*pc++];                                                               \
	} while (0)

static void run_goto(const s16 *code, struct machine *m)
{
	static void *const labels[] = {
		&&push, &&add, &&sub, &&mul, &&div, &&dup, &&swap, &&over, &&drop, &&load,
		&&store, &&jump, &&branch, &&less, &&call, &&ret, &&print, &&halt,
	};
	const s16 *pc = code;
	s64 *sp = m->stack, t;
	u32 rp = 0;

	NEXT;
push:
	*sp++ = *pc++;
	NEXT;
add:
	sp--;
	sp[-1] += *sp;
	NEXT;
sub:
	sp--;
	sp[-1] -= *sp;
	NEXT;
mul:
	sp--;
	sp[-1] = (u64)sp[-1] * *sp;
	NEXT;
div:
	sp--;
	sp[-1] = *sp ? sp[-1] / *sp : 0;
	NEXT;
dup:
	*sp = sp[-1];
	sp++;
	NEXT;
swap:
	t = sp[-1];
	sp[-1] = sp[-2];
	sp[-2] = t;
	NEXT;
over:
	*sp = sp[-2];
	sp++;
	NEXT;
drop:
	sp--;
	NEXT;
load:
	*sp++ = m->memory[*pc++];
	NEXT;
store:
	m->memory[*pc++] = *--sp;
	NEXT;
jump:
	pc = code + *pc;
	NEXT;
branch:
	pc = *--sp ? code + *pc : pc + 1;
	NEXT;
less:
	sp--;
	sp[-1] = sp[-1] < *sp;
	NEXT;
call:
	m->returns[rp++] = pc + 1 - code;
	pc = code + *pc;
	NEXT;
ret:
	pc = code + m->returns[--rp];
	NEXT;
print:
	out("%ld ", *--sp);
	NEXT;
halt:
	return;
}

/* 20! and the greatest common divisor of two numbers, with a call. */
static const s16 factorial[] = {
	PUSH, 1, STORE, 0, PUSH, 1, STORE, 1,
	LOAD, 0, LOAD, 1, MUL, DUP, STORE, 0, PRINT,
	LOAD, 1, PUSH, 1, ADD, DUP, STORE, 1, PUSH, 21, LESS, BRANCH, 8, HALT,
};
static const s16 divisor[] = {
	PUSH, 3528, PUSH, 3780, CALL, 8, PRINT, HALT,
	/* 8: a b -- gcd */ DUP, BRANCH, 13, DROP, RET,
	/* 13: a b -- b a-a/b*b */ SWAP, OVER, OVER, OVER, DIV, MUL, SUB, JUMP, 8,
};

void program_interpreter(void)
{
	struct machine m = { .steps = 0 };

	run_switch(factorial, &m);
	out("in %lu steps\n", m.steps);
	run_goto(factorial, &m);
	out("in %lu steps\n", m.steps);
	run_switch(divisor, &m);
	run_goto(divisor, &m);
	out("in %lu steps\n", m.steps);
}
