/* setjmp and longjmp of its own: errors that unwind, generators on stacks of their own. */
#include "programs.h"

struct context {
	u64 rbx, rbp, r12, r13, r14, r15, rsp, rip;
};

int context_save(struct context *context) __attribute__((returns_twice));
void context_restore(struct context *context, int value) __attribute__((noreturn));

asm(".text\n"
    ".globl context_save, context_restore\n"
    "context_save:\n"
    "	mov %rbx, (%rdi)\n"
    "	mov %rbp, 8(%rdi)\n"
    "	mov %r12, 16(%rdi)\n"
    "	mov %r13, 24(%rdi)\n"
    "	mov %r14, 32(%rdi)\n"
    "	mov %r15, 40(%rdi)\n"
    "	lea 8(%rsp), %rdx\n"
    "	mov %rdx, 48(%rdi)\n"
    "	mov (%rsp), %rdx\n"
    "	mov %rdx, 56(%rdi)\n"
    "	xor %eax, %eax\n"
    "	ret\n"
    "context_restore:\n"
    "	mov %esi, %eax\n"
    "	mov (%rdi), %rbx\n"
    "	mov 8(%rdi), %rbp\n"
    "	mov 16(%rdi), %r12\n"
    "	mov 24(%rdi), %r13\n"
    "	mov 32(%rdi), %r14\n"
    "	mov 40(%rdi), %r15\n"
    "	mov 48(%rdi), %rsp\n"
    "	jmp *56(%rdi)\n");

static struct context handler;

/* A recursive parser of sums and products that gives up from any depth. */
static const char *input;

static s64 sum(u32 depth);

static s64 atom(u32 depth)
{
	s64 value = 0;

	if (depth > 20)
		context_restore(&handler, 3);
	if (*input == '(') {
		input++;
		value = sum(depth + 1);
		if (*input != ')')
			context_restore(&handler, 2);
		input++;
		return value;
	}
	if (*input < '0' || *input > '9')
		context_restore(&handler, 1);
	while (*input >= '0' && *input <= '9')
		value = value * 10 + *input++ - '0';
	return value;
}

static s64 product(u32 depth)
{
	s64 value = atom(depth);

	while (*input == '*') {
		input++;
		value *= atom(depth);
	}
	return value;
}

static s64 sum(u32 depth)
{
	s64 value = product(depth);

	while (*input == '+' || *input == '-')
		value += *input++ == '+' ? product(depth) : -product(depth);
	return value;
}

static void evaluate(const char *text)
{
	const char *volatile start = text;
	int error = context_save(&handler);

	if (error) {
		out("%s: error %d at %ld\n", start, error, (long)(input - start));
		return;
	}
	input = text;
	out("%s = %ld\n", text, sum(0));
}

/* Two sides that hand control to each other, the producer on a stack of its own. */
static struct context producer_side, consumer_side;
static u64 producer_stack[1024] LINE_ALIGNED;
static s32 handed;

static void hand_over(s32 value)
{
	handed = value;
	if (!context_save(&producer_side))
		context_restore(&consumer_side, 1);
}

static void produce(void)
{
	s32 a = 0, b = 1;

	for (;;) {
		s32 next = a + b;

		hand_over(a);
		a = b;
		b = next;
	}
}

static s32 take(void)
{
	if (!context_save(&consumer_side))
		context_restore(&producer_side, 1);
	return handed;
}

void program_setjmp(void)
{
	evaluate("1+2*3");
	evaluate("(1+2)*(3-10)");
	evaluate("2*(3+");
	evaluate("(((7))");
	evaluate("((((((((((((((((((((((1");
	evaluate("x");

	producer_side = (struct context){
		.rip = (u64)produce,
		.rsp = (u64)&producer_stack[ARRAY_SIZE(producer_stack) - 1],
	};
	for (volatile u32 i = 0; i < 20; i++)
		out("%d ", take());
	out("\n");
}
