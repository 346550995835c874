/*
 * Faults while a fault is delivered (SDM Vol. 3A, "Interrupt 8 - Double Fault Exception"): which
 * pairs make #DF, which are handled one after the other, and the triple fault.
 */
#include "system.h"

#define BAD_STACK (AREA + 0x300000) /* absent */

PROBE(push_bad, "mov %rsp, %r8\n mov %rdi, %rsp", "push %rax", "mov %r8, %rsp");
PROBE(undefined_on, "mov %rsp, %r8\n mov %rdi, %rsp", "ud2", "mov %r8, %rsp");
PROBE(divide_on, "mov %rsp, %r8\n mov %rdi, %rsp\n xor %ecx, %ecx", "div %ecx", "mov %r8, %rsp");
PROBE(read_absent, "", "mov (%rdi), %rax", "");
PROBE(divide_zero, "xor %ecx, %ecx", "div %ecx", "");
PROBE(int_absent, "", "int $0x41", "");

static const u8 *second_stack(void)
{
	return this_cpu()->ist_stack + STACK_BYTES / 2;
}

void check_double_fault(void)
{
	const struct gate pf = idt[PF], ss = idt[SS], de = idt[DE], gp = idt[GP], np = idt[NP];

	/* #DF has IST 1, all others use the stack of the moment. */
	check_fault("page fault on an absent stack", DF, 0, push_bad, BAD_STACK);
	check_equal("its stack", (u64)(this_cpu()->frame + 1), this_cpu()->tss.ist[0]);
	check_equal("the saved RSP", this_cpu()->last.rsp, BAD_STACK);
	/* The push names +16, and its fault aligns the stack and pushes at +8. */
	check_fault("a push there, not aligned", DF, 0, push_bad, BAD_STACK + 24);
	check_equal("CR2 is of the second page fault", this_cpu()->last_cr2, BAD_STACK + 8);
	check_fault("#SS on a non-canonical stack", DF, 0, push_bad, NON_CANONICAL + 8);
	idt[PF].type &= ~0x80;
	check_fault("#PF, its gate is absent: #NP", DF, 0, read_absent, BAD_STACK);
	idt[PF] = pf;
	idt[DE].type &= ~0x80;
	check_fault("#DE, its gate is absent: #NP", DF, 0, divide_zero);
	idt[DE] = de;

	/* Not double: a benign one first, or #PF second after a contributory one. */
	this_cpu()->tss.ist[1] = (u64)second_stack();
	idt[PF].ist = 2;
	idt[SS].ist = 2;
	check_fault("#UD on an absent stack is #PF", PF, PF_WRITE, undefined_on, BAD_STACK);
	check_fault("#DE on an absent stack is #PF", PF, PF_WRITE, divide_on, BAD_STACK);
	check_equal("its CR2", this_cpu()->last_cr2, BAD_STACK - 8);
	/* Bit 0: it came up while another event was delivered. */
	check_fault("#UD on a non-canonical stack is #SS", SS, 1, undefined_on, NON_CANONICAL + 64);
	check_fault("#DE on a non-canonical stack is #DF", DF, 0, divide_on, NON_CANONICAL + 64);
	idt[UD].type &= ~0x80;
	check_fault("#UD, its gate is absent, is #NP", NP, UD * 8 + 3, undefined_on,
		    (u64)second_stack());
	idt[UD].type |= 0x80;
	idt[0x41].type &= ~0x80;
	check_fault("INT n is benign", NP, 0x41 * 8 + 2, int_absent);
	/* #NP twice. */
	idt[NP].selector = ABSENT_CODE;
	check_fault("#NP, its own segment is absent", DF, 0, int_absent);
	idt[0x41].type |= 0x80;
	idt[PF] = pf;
	idt[SS] = ss;
	idt[GP] = gp;
	idt[NP] = np;
}

/* No gate at all: #UD, then #GP, then #DF cannot be delivered. */
void triple_fault(void)
{
	struct descriptor_table none = { 0, (u64)idt };

	printk("no IDT from here\n");
	lidt(&none);
	asm volatile("ud2");
}
