/* Regular expressions: compiled to an automaton, all of whose states run at once (Thompson). */
#include "programs.h"

enum kind { LETTER, ANY, CLASS, SPLIT, JUMP, START, FINISH, MATCH };

#define PROGRAM_MAX 64

struct node {
	enum kind kind;
	s16 a, b; /* letter, or targets */
	u32 set[8];
};

static struct node program[PROGRAM_MAX];
static s32 length;
static const char *pattern;

static void alternation(void);

static s32 emit(enum kind kind, s16 a, s16 b)
{
	program[length] = (struct node){ .kind = kind, .a = a, .b = b };
	return length++;
}

static void insert(s32 at, enum kind kind, s16 a, s16 b)
{
	memmove(&program[at + 1], &program[at], (length - at) * sizeof(*program));
	for (s32 i = at + 1; i <= length; i++) {
		if (program[i].kind == SPLIT || program[i].kind == JUMP) {
			program[i].a += program[i].a >= at;
			program[i].b += program[i].b >= at;
		}
	}
	length++;
	program[at] = (struct node){ .kind = kind, .a = a, .b = b };
}

static void class(void)
{
	s32 node = emit(CLASS, 0, 0);
	u32 *set = program[node].set;
	bool inverse = *pattern == '^';

	pattern += inverse;
	for (; *pattern && *pattern != ']'; pattern++) {
		u8 from = *pattern, to = from;

		if (pattern[1] == '-' && pattern[2] != ']') {
			to = pattern[2];
			pattern += 2;
		}
		for (u32 c = from; c <= to; c++)
			set[c / 32] |= 1u << c % 32;
	}
	pattern++;
	for (u32 i = 0; inverse && i < 8; i++)
		set[i] = ~set[i];
}

static void atom(void)
{
	char c = *pattern++;

	if (c == '(') {
		alternation();
		pattern++;
	} else if (c == '[') {
		class();
	} else if (c == '.') {
		emit(ANY, 0, 0);
	} else if (c == '^') {
		emit(START, 0, 0);
	} else if (c == '$') {
		emit(FINISH, 0, 0);
	} else {
		emit(LETTER, c == '\\' ? *pattern++ : c, 0);
	}
}

static void sequence(void)
{
	while (*pattern && *pattern != '|' && *pattern != ')') {
		s32 start = length;

		atom();
		if (*pattern == '*') {
			insert(start, SPLIT, start + 1, length + 2);
			emit(JUMP, start, start);
			pattern++;
		} else if (*pattern == '+') {
			emit(SPLIT, start, length + 1);
			pattern++;
		} else if (*pattern == '?') {
			insert(start, SPLIT, start + 1, length + 1);
			pattern++;
		}
	}
}

static void alternation(void)
{
	s32 start = length;

	sequence();
	if (*pattern == '|') {
		s32 jump;

		insert(start, SPLIT, start + 1, length + 2);
		jump = emit(JUMP, 0, 0);
		pattern++;
		alternation();
		program[jump].a = program[jump].b = length;
	}
}

/* Adds a state and those that it leads to without a letter. */
static u64 closure(u64 states, s32 node, bool first, bool last)
{
	if (states >> node & 1)
		return states;
	states |= 1ul << node;
	switch (program[node].kind) {
	case SPLIT:
		states = closure(states, program[node].a, first, last);
		return closure(states, program[node].b, first, last);
	case JUMP:
		return closure(states, program[node].a, first, last);
	case START:
		return first ? closure(states, node + 1, first, last) : states;
	case FINISH:
		return last ? closure(states, node + 1, first, last) : states;
	default:
		return states;
	}
}

static bool accepts(const struct node *node, u8 c)
{
	return node->kind == ANY || (node->kind == LETTER && node->a == c) ||
	       (node->kind == CLASS && node->set[c / 32] >> c % 32 & 1);
}

/* The length of the longest match at `text`, or -1. */
static s32 match_here(const char *text, bool first)
{
	u64 states = closure(0, 0, first, !*text);
	s32 best = -1;

	for (s32 at = 0; states; at++) {
		u64 next = 0;

		if (states >> (length - 1) & 1)
			best = at;
		if (!text[at])
			break;
		for (u64 rest = states; rest; rest &= rest - 1) {
			s32 node = __builtin_ctzl(rest);

			if (accepts(&program[node], text[at]))
				next = closure(next, node + 1, false, !text[at + 1]);
		}
		states = next;
	}
	return best;
}

static void find(const char *expression, const char *text)
{
	pattern = expression;
	length = 0;
	alternation();
	emit(MATCH, 0, 0);
	for (u32 at = 0;; at++) {
		s32 found = match_here(text + at, at == 0);

		if (found >= 0) {
			out("/%s/ in %s: at %u, %d long, %d nodes\n", expression, text, at, found,
			    length);
			return;
		}
		if (!text[at])
			break;
	}
	out("/%s/ not in %s\n", expression, text);
}

void program_regex(void)
{
	find("b+", "aabbbc");
	find("(ab|cd)*e", "xxabcdabe");
	find("^[a-z]+[0-9]?$", "core2");
	find("^[a-z]+[0-9]?$", "core22");
	find("[^ ]+@[a-z.]+", "mail to me@example.org now");
	find("a?a?a?a?a?a?aaaaaa", "aaaaaa");
	find("(a|aa)+$", "baaaaa");
	find("x*", "yyy");
	find("h.l\\.", "hello hal. hal.");
	find("(0|1(01*0)*1)+$", "110011");
}
