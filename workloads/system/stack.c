/* The stack: a fault in PUSH, POP, CALL, RET, ENTER or LEAVE leaves RSP and memory as they were. */
#include "system.h"

#define PAGE AREA
#define TOP (AREA + PAGE_SIZE) /* the page above it is absent, and so is the one below */

/* RDI becomes RSP for the instruction; the fault finds it there. */
#define ON_STACK(name, instruction)                                                                \
	PROBE(name, "mov %rsp, %r8\n mov %rdi, %rsp", instruction, "mov %rsp, %rax\n mov %r8, %rsp")

ON_STACK(push_register, "push %rsi");
ON_STACK(push_memory, "pushq (%rsi)");
ON_STACK(push_16, "pushw %si");
ON_STACK(push_flags, "pushfq");
ON_STACK(push_rsp, "push %rsp");
ON_STACK(pop_register, "pop %rcx");
ON_STACK(pop_memory, "popq (%rsi)");
ON_STACK(pop_flags, "popfq");
ON_STACK(call_near, "call 1f\n1:");
ON_STACK(call_memory, "call *(%rsi)");
ON_STACK(return_near, "ret");
ON_STACK(return_pop, "ret $16");
ON_STACK(enter_frame, "enter $32, $0");
ON_STACK(call_far, "rex.w lcall *(%rsi)");
PROBE(leave_frame, "mov %rsp, %r8\n push %rbp\n mov %rdi, %rbp", "leave",
      "mov %rsp, %rax\n mov -8(%r8), %rbp\n mov %r8, %rsp");
PROBE(pop_by_rsp, "push $5\n push $6\n push $7", "popq 8(%rsp)",
      "pop %rax\n pop %rcx\n shl $8, %rcx\n or %rcx, %rax");
PROBE(pop_rsp, "mov %rsp, %r8\n push %rdi", "pop %rsp", "mov %rsp, %rax\n mov %r8, %rsp");
PROBE(push_rsp_value, "mov %rsp, %rdx", "push %rsp", "pop %rax\n sub %rdx, %rax");
PROBE(call_by_rsp, "lea 1f(%rip), %rax\n push %rax", "call *(%rsp)",
      "1: pop %rax\n pop %rcx\n sub %rcx, %rax");
PROBE(nested_enter, "push %rbp\n mov %rsp, %r8\n mov %rdi, %rbp\n mov %rsi, %rsp", "enter $16, $3",
      "mov %rsp, %rax\n sub %rbp, %rax\n mov %r8, %rsp\n pop %rbp");

PROBE(deepest_enter, "push %rbp\n mov %rsp, %r8\n mov %rdi, %rbp\n mov %rdi, %rsp",
      "enter $16, $31", "mov %rsp, %rax\n sub %rdi, %rax\n mov %r8, %rsp\n pop %rbp");

static void check_one(const char *name, const char *rsp_name, u64 error, const void *at,
		      probe_fn fn, u64 rsp, u64 argument)
{
	check_trap(name, probe(fn, rsp, argument, 0), PF, error, at);
	check_equal(rsp_name, this_cpu()->last.rsp, rsp);
}

#define CHECK(fn, error, rsp, argument)                                                            \
	check_one(#fn, #fn ": RSP", error, fn##_at, fn, rsp, argument)

static void check_faults(void)
{
	u64 value = 0x1234;
	struct {
		u64 offset;
		u16 selector;
	} far = { (u64)call_far_next, KERNEL_CS };

	/* Below the page: what is pushed goes nowhere. */
	CHECK(push_register, PF_WRITE, PAGE, 1);
	CHECK(push_memory, PF_WRITE, PAGE, (u64)&value);
	CHECK(push_16, PF_WRITE, PAGE, 1);
	CHECK(push_flags, PF_WRITE, PAGE, 0);
	CHECK(push_rsp, PF_WRITE, PAGE, 0);
	CHECK(call_near, PF_WRITE, PAGE, 0);
	CHECK(call_memory, PF_WRITE, PAGE, (u64)&value);
	CHECK(enter_frame, PF_WRITE, PAGE, 0);
	check_equal("CR2 of a push", this_cpu()->last_cr2, PAGE - 8);
	/* Half of it would fit. */
	CHECK(push_register, PF_WRITE, PAGE + 4, 1);
	check_equal("CR2 of a split push", this_cpu()->last_cr2, PAGE - 4);
	/* Above: nothing to pop. */
	CHECK(pop_register, 0, TOP, 0);
	CHECK(pop_memory, 0, TOP, (u64)&value);
	CHECK(pop_flags, 0, TOP, 0);
	CHECK(return_near, 0, TOP, 0);
	CHECK(return_pop, 0, TOP, 0);
	check_equal("memory is untouched", value, 0x1234);
	/* The first of two words is on the absent page, the second is not. */
	CHECK(call_far, PF_WRITE, TOP + 8, (u64)&far);
	check_equal("memory is untouched", load64(TOP - 8), 0);
	/* The frame fits, but RSP would be below it (SDM Vol. 2A, "ENTER"). */
	CHECK(enter_frame, PF_WRITE, PAGE + 16, 0);
	check_equal("CR2 is the final RSP", this_cpu()->last_cr2, PAGE + 8 - 32);
	check_equal("memory is untouched", load64(PAGE + 8), 0);
	check_fault("nested ENTER at its third word", PF, PF_WRITE, nested_enter, TOP - 8,
		    PAGE + 16);
	check_equal("memory is untouched", load64(PAGE) | load64(PAGE + 8), 0);
	/* The stack is good, the operand is not. */
	CHECK(push_memory, 0, TOP - 64, TOP);
	CHECK(pop_memory, PF_WRITE, TOP - 64, TOP);
	CHECK(call_memory, 0, TOP - 64, TOP);
	check_equal("what lies below RSP is untouched", load64(TOP - 72), 0);
	check_fault("LEAVE", PF, 0, leave_frame, TOP);
	check_equal("LEAVE: RSP", this_cpu()->last.rsp, this_cpu()->last.r8 - 8);
}

static void check_values(void)
{
	u64 value = 0;

	check_runs("PUSH", TOP - 8, push_register, TOP, 99);
	check_equal("what it stored", load64(TOP - 8), 99);
	check_runs("PUSH of 16 bits", TOP - 2, push_16, TOP, 0x77);
	check_runs("POP to memory", TOP, pop_memory, TOP - 8, (u64)&value);
	check_equal("what it stored", value, 0x0077000000000063);
	check_runs("POP by RSP counts from the new one", 0x706, pop_by_rsp);
	check_runs("POP RSP takes the value", TOP, pop_rsp, TOP);
	check_runs("PUSH RSP stores the old one", 0, push_rsp_value);
	check_runs("CALL by RSP counts from the old one", 0, call_by_rsp);
	check_runs("ENTER", TOP - 40, enter_frame, TOP);
	/* Levels 1 and 2 are copied from below RBP, then the new frame pointer. */
	store64(TOP - 16, 0xaaaa);
	store64(TOP - 24, 0xbbbb);
	check_runs("ENTER with three levels", -40ul, nested_enter, TOP - 8, TOP - 64);
	check_equal("the frame pointer", load64(TOP - 72), TOP - 8);
	check_equal("the first copy", load64(TOP - 80), 0xaaaa);
	check_equal("the second copy", load64(TOP - 88), 0xbbbb);
	check_equal("the new frame", load64(TOP - 96), TOP - 72);
	/* More words than a store buffer has entries; each is a copy of the one just pushed. */
	check_runs("ENTER with 31 levels", -272ul, deepest_enter, TOP - 16);
	check_equal("the first word", load64(TOP - 24), TOP - 16);
	check_equal("the last copy", load64(TOP - 16 - 31 * 8), TOP - 16);
	check_equal("the new frame", load64(TOP - 16 - 32 * 8), TOP - 24);
}

void check_stack(void)
{
	memset(frames[0], 0, PAGE_SIZE);
	unmap(PAGE - PAGE_SIZE);
	map(PAGE, frames[0], PTE_W);
	unmap(TOP);
	/* The page fault is delivered on a stack of its own. */
	idt[PF].ist = 2;
	this_cpu()->tss.ist[1] = (u64)this_cpu()->ist_stack + STACK_BYTES / 2;
	check_faults();
	idt[PF].ist = 0;
	check_values();
	unmap(PAGE);
}
