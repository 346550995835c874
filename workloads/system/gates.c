/* Gates: which are refused and with which error code, IST, what a trap gate leaves of IF. */
#include "system.h"

#define VECTOR 0x41
#define IDT_ERROR (VECTOR * 8 + 2)

PROBE(interrupt, "xor %eax, %eax", "int $0x41", "");
PROBE(interrupt_enabled, "xor %eax, %eax\n sti\n nop", "int $0x41", "");
PROBE(interrupt_unaligned, "xor %eax, %eax\n mov %rsp, %rdx\n sub $5, %rsp", "int $0x41",
      "mov %rdx, %rsp");
PROBE(interrupt_nested, "", "int $0x42", "");

static void check_gate(const char *name, u64 vector, u64 error)
{
	check_trap(name, probe(interrupt, 0, 0, 0), vector, error,
		   vector == VECTOR ? interrupt_next : interrupt_at);
	idt[VECTOR] = make_gate(VECTOR, GATE_INTERRUPT, 0);
}

static void set_target(u64 target)
{
	idt[VECTOR].offset_low = target;
	idt[VECTOR].offset_middle = target >> 16;
	idt[VECTOR].offset_high = target >> 32;
}

static void check_refused(void)
{
	struct descriptor_table table = { sizeof(idt) - 1, (u64)idt };
	struct descriptor_table small = { 0x20 * 16 - 1, (u64)idt };

	idt[VECTOR].type &= ~0x80;
	check_gate("absent gate", NP, IDT_ERROR);
	idt[VECTOR].type = 0x85; /* a task gate */
	check_gate("task gate", GP, IDT_ERROR);
	idt[VECTOR].type = 0x8c; /* a call gate */
	check_gate("call gate", GP, IDT_ERROR);
	idt[VECTOR].selector = 0;
	check_gate("gate with a null selector", GP, 0);
	idt[VECTOR].selector = KERNEL_DS;
	check_gate("gate with a data segment", GP, KERNEL_DS);
	idt[VECTOR].selector = ABSENT_CODE;
	check_gate("gate with an absent segment", NP, ABSENT_CODE);
	idt[VECTOR].selector = WIDE_CODE;
	check_gate("gate with a segment of L and D", GP, WIDE_CODE);
	idt[VECTOR].selector = 0xfff8;
	check_gate("gate beyond the GDT", GP, 0xfff8);
	idt[VECTOR].selector = USER_CS;
	check_gate("gate to an outer ring", GP, USER_CS & ~3);
	set_target(NON_CANONICAL);
	check_gate("gate to a non-canonical address", GP, 0);
	lidt(&small);
	check_gate("gate beyond the IDT", GP, IDT_ERROR);
	lidt(&table);
	check_gate("good gate", VECTOR, 0);
}

static u64 flags_inside, rsp_inside, nested_vector;

static bool note(struct pt_regs *regs)
{
	flags_inside = flags();
	rsp_inside = (u64)(regs + 1);
	return true;
}

static bool nest(struct pt_regs *regs)
{
	u64 outer = this_cpu()->probe_rsp;

	(void)regs;
	nested_vector = probe(interrupt_nested, 0, 0, 0);
	this_cpu()->probe_rsp = outer;
	return true;
}

/* The word that IRET takes as RSP: what it was, whatever it was. */
static u64 rsp_saved;

static bool note_rsp(struct pt_regs *regs)
{
	rsp_saved = regs->rsp;
	rsp_inside = (u64)(regs + 1);
	return true;
}

void check_gates(void)
{
	u64 top = (u64)this_cpu()->ist_stack + STACK_BYTES;

	check_refused();

	hooks[VECTOR] = note;
	check_runs("interrupt gate", 0, interrupt_enabled);
	check_equal("it clears IF", flags_inside >> 9 & 1, 0);
	idt[VECTOR] = make_gate(VECTOR, GATE_TRAP, 0);
	check_runs("trap gate", 0, interrupt_enabled);
	check_equal("it keeps IF", flags_inside >> 9 & 1, 1);
	idt[VECTOR] = make_gate(VECTOR, GATE_INTERRUPT, 3);
	this_cpu()->tss.ist[2] = top;
	check_runs("gate with an IST", 0, interrupt);
	check_equal("it takes that stack", rsp_inside, top);
	this_cpu()->tss.ist[2] = top - 8;
	check_runs("gate with an unaligned IST", 0, interrupt);
	check_equal("it is aligned to 16", rsp_inside, top - 16);
	idt[VECTOR] = make_gate(VECTOR, GATE_INTERRUPT, 0);

	hooks[VECTOR] = note_rsp;
	check_runs("interrupt with an unaligned stack", 0, interrupt_unaligned);
	check("the frame is aligned to 16", rsp_inside % 16 == 0);
	check("the saved RSP is not", rsp_saved % 16 == 11 || rsp_saved % 16 == 3);
	check("it lies just below", rsp_saved - rsp_inside < 16);

	hooks[VECTOR] = nest;
	check_runs("interrupt within an interrupt", 0, interrupt);
	check_equal("its vector", nested_vector, VECTOR + 1);
	hooks[VECTOR] = NULL;

	/* A TSS of 36 bytes has no IST. */
	ltr(SMALL_TSS);
	idt[VECTOR].ist = 1;
	check_gate("IST beyond the TSS", TS, SMALL_TSS);
	gdt[TSS_FIRST / 8] &= ~TSS_BUSY;
	ltr(TSS_FIRST);
}
