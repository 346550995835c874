/* Exceptions of single instructions in ring 0: vector, error code, return address. */
#include "system.h"

PROBE(divide_by, "mov %rdi, %rax\n xor %edx, %edx", "div %rsi", "");
PROBE(divide_signed, "mov %rdi, %rax\n cqo", "idiv %rsi", "");
PROBE(divide_bytes, "mov %rdi, %rax", "div %sil", "");
PROBE(undefined, "", "ud2", "");
PROBE(undefined_opcode, "", ".byte 0x06", ""); /* PUSH ES of other modes */
PROBE(lock_register, "", ".byte 0xf0, 0x01, 0xc0", "");
PROBE(lock_load, "", ".byte 0xf0, 0x8b, 0x07", "");
PROBE(lea_register, "", ".byte 0x8d, 0xc0", "");
PROBE(too_long, "", ".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66\n"
		    ".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x90", "");
PROBE(breakpoint, "", "int3", "");
PROBE(software_30, "", "int $0x30", "");
PROBE(software_3, "", ".byte 0xcd, 0x03", "");
PROBE(debug_trap, "", ".byte 0xf1", "");
PROBE(single_step, "pushfq\n orq $0x100, (%rsp)\n popfq", "nop", "nop");

PROBE(load, "", "mov (%rdi), %rax", "");
PROBE(store, "", "mov %rsi, (%rdi)", "");
PROBE(load_by_rbp, "push %rbp\n mov %rdi, %rbp", "mov (%rbp), %rax", "pop %rbp");
PROBE(load_by_rsp, "mov %rsp, %rdx\n mov %rdi, %rsp", "mov (%rsp), %rax", "mov %rdx, %rsp");
PROBE(load_fs, "", "mov %fs:(%rdi), %rax", "");
PROBE(push_there, "mov %rsp, %rdx\n mov %rdi, %rsp", "push %rax", "mov %rdx, %rsp");
PROBE(pop_there, "mov %rsp, %rdx\n mov %rdi, %rsp", "pop %rax", "mov %rdx, %rsp");
PROBE(jump_there, "", "jmp *%rdi", "");
PROBE(call_there, "", "call *%rdi", "");
PROBE(return_there, "push %rdi", "ret", "");
PROBE(return_far, "push $0x08\n push %rdi", "lretq", "");
PROBE(return_interrupt, "mov %rsp, %rax\n push $0x10\n push %rax\n pushfq\n push $0x08\n push %rdi",
      "iretq", "");

#define STATUS 0x8d5ul /* flags that results set */

static u64 rsp_at_fault(void)
{
	return this_cpu()->last.rsp;
}

static void check_canonical(void)
{
	const u64 low = NON_CANONICAL, high = 0xffff7fffffffffff;

	check_fault("load non-canonical", GP, 0, load, low);
	check_fault("load non-canonical from above", GP, 0, load, high);
	check_fault("load across the end", GP, 0, load, low - 4);
	check_fault("store non-canonical", GP, 0, store, low);
	check_fault("load non-canonical by RBP is #SS", SS, 0, load_by_rbp, low);
	check_fault("load by an FS override is #GP", GP, 0, load_fs, low);
	this_cpu()->tss.ist[1] = (u64)this_cpu()->ist_stack + STACK_BYTES / 2;
	/* The stack is gone: delivery needs one of its own. */
	idt[SS].ist = 2;
	check_fault("load non-canonical by RSP is #SS", SS, 0, load_by_rsp, low);
	check_fault("push non-canonical is #SS", SS, 0, push_there, low + 8);
	check_equal("its RSP", rsp_at_fault(), low + 8);
	check_fault("pop non-canonical is #SS", SS, 0, pop_there, low);
	check_equal("its RSP is unchanged", rsp_at_fault(), low);
	idt[SS].ist = 0;
	check_fault("jump to non-canonical", GP, 0, jump_there, low);
	check_fault("call of non-canonical", GP, 0, call_there, low);
	check_fault("return to non-canonical", GP, 0, return_there, low);
	check_fault("far return to non-canonical", GP, 0, return_far, low);
	check_fault("IRETQ to non-canonical", GP, 0, return_interrupt, low);
}

static u64 dr6(void)
{
	u64 value;

	asm volatile("mov %%dr6, %0" : "=r"(value));
	return value;
}

void check_exceptions(void)
{
	const u64 smallest = 1ul << 63;
	u64 before = flags();

	check_fault("division by zero", DE, 0, divide_by, 7);
	check_equal("its saved flags have RF", this_cpu()->last.rflags >> 16 & 1, 1);
	check_fault("division overflow", DE, 0, divide_signed, smallest, -1ul);
	check_fault("division of bytes overflow", DE, 0, divide_bytes, 0x1000, 8);
	check_runs("division", 14, divide_by, 100, 7);
	check_fault("UD2", UD, 0, undefined);
	check_fault("opcode 06", UD, 0, undefined_opcode);
	check_fault("LOCK with a register", UD, 0, lock_register);
	check_fault("LOCK with a load", UD, 0, lock_load, (u64)&before);
	check_fault("LEA of a register", UD, 0, lea_register);
	check_fault("16 bytes are too long", GP, 0, too_long);
	check_trap("INT3 returns behind itself", probe(breakpoint, 0, 0, 0), BP, 0,
		   breakpoint_next);
	check_equal("its saved flags lack RF", this_cpu()->last.rflags >> 16 & 1, 0);
	check_trap("INT n returns behind itself", probe(software_30, 0, 0, 0), 0x30, 0,
		   software_30_next);
	check_trap("INT 3 of two bytes", probe(software_3, 0, 0, 0), BP, 0, software_3_next);
	check_trap("INT1", probe(debug_trap, 0, 0, 0), DB, 0, debug_trap_next);
	check_trap("TF traps behind the next instruction", probe(single_step, 0, 0, 0), DB, 0,
		   single_step_next);
	check_equal("DR6 says single step", dr6() >> 14 & 1, 1);
	check_equal("the saved flags have TF", this_cpu()->last.rflags >> 8 & 1, 1);
	check_equal("flags here are as before", flags() & ~STATUS, before & ~STATUS);
	check_canonical();
}
