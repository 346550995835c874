/* Interrupts: priorities, TPR and CR8, IRR and ISR, nesting, the shadows of STI and MOV SS. */
#include "apic.h"

#define LOW 0x50
#define LOW2 0x5e /* the same class */
#define HIGH 0x90
#define HIGHEST 0xe1

#define ORDER_MAX 16

static u32 order[ORDER_MAX], order_count;
static bool nest;	   /* handlers let others in */
static u64 interrupted_at; /* RIP of the last one */

static bool note(struct pt_regs *regs)
{
	interrupted_at = regs->rip;
	if (order_count < ORDER_MAX)
		order[order_count++] = regs->number;
	if (nest)
		asm volatile("sti; nop; nop; cli");
	if (order_count < ORDER_MAX)
		order[order_count++] = 0; /* the end of a handler */
	eoi();
	return true;
}

static void begin(void)
{
	order_count = 0;
	interrupted_at = 0;
}

static void check_order(const char *name, const u32 *want, u32 count)
{
	bool good = order_count == count;

	for (u32 i = 0; i < count; i++)
		good &= order[i] == want[i];
	check(name, good);
	if (!good)
		for (u32 i = 0; i < order_count; i++)
			printk("  %u: %x\n", i, order[i]);
}

static void check_pending(void)
{
	begin();
	send_self(LOW);
	check("IRR has it", apic_bit(X2APIC_IRR, LOW));
	check_equal("nothing comes with IF clear", order_count, 0);
	open_window();
	check_order("it comes with IF set", (u32[]){ LOW, 0 }, 2);
	check("IRR is clear", !apic_bit(X2APIC_IRR, LOW));
	check("ISR is clear after EOI", !apic_bit(X2APIC_ISR, LOW));
	begin();
	send_self(LOW);
	send_self(LOW);
	open_window();
	check_order("twice the same is once", (u32[]){ LOW, 0 }, 2);
	begin();
	wrmsr(X2APIC_ICR, ICR_TO_SELF | HIGH);
	open_window();
	check_order("by ICR's shorthand", (u32[]){ HIGH, 0 }, 2);
	begin();
	wrmsr(X2APIC_ICR, (u64)this_cpu()->apic_id << 32 | HIGH);
	for (u32 i = 0; i < 10000 && !order_count; i++)
		open_window();
	check_order("by its own ID", (u32[]){ HIGH, 0 }, 2);
}

static void check_priorities(void)
{
	begin();
	send_self(LOW);
	send_self(HIGHEST);
	send_self(HIGH);
	open_window();
	check_order("the highest first", (u32[]){ HIGHEST, 0, HIGH, 0, LOW, 0 }, 6);

	nest = true;
	begin();
	send_self(LOW);
	send_self(HIGH);
	open_window();
	check_order("a lower one waits for the end", (u32[]){ HIGH, 0, LOW, 0 }, 4);
	nest = false;
}

static bool in_handler(struct pt_regs *regs)
{
	u32 ppr = rdmsr(X2APIC_PPR);

	begin();
	check("ISR has it", apic_bit(X2APIC_ISR, regs->number));
	check_equal("PPR is its class", ppr & 0xf0, regs->number & 0xf0);
	send_self(LOW2);
	open_window();
	check_equal("one of the same class waits", order_count, 0);
	send_self(HIGH);
	open_window();
	check_order("a higher one nests", (u32[]){ HIGH, 0 }, 2);
	eoi();
	open_window();
	check_order("the other after EOI", (u32[]){ HIGH, 0, LOW2, 0 }, 4);
	return true;
}

static void check_priority_registers(void)
{
	begin();
	asm volatile("mov %0, %%cr8" : : "r"(9ul) : "memory");
	check_equal("CR8 is TPR's class", rdmsr(X2APIC_TPR), 0x90);
	check_equal("PPR follows", rdmsr(X2APIC_PPR), 0x90);
	send_self(HIGH);
	open_window();
	check_equal("the class of TPR waits", order_count, 0);
	send_self(HIGHEST);
	open_window();
	check_order("a higher one comes", (u32[]){ HIGHEST, 0 }, 2);
	begin();
	asm volatile("sti; mov %0, %%cr8; nop; cli" : : "r"(8ul) : "memory");
	check_order("CR8 lowered lets it in", (u32[]){ HIGH, 0 }, 2);
	wrmsr(X2APIC_TPR, 0x35);
	{
		u64 cr8;

		asm volatile("mov %%cr8, %0" : "=r"(cr8));
		check_equal("TPR is read by CR8", cr8, 3);
	}
	wrmsr(X2APIC_TPR, 0);
}

/* Time for a message to arrive, with interrupts off. */
static void let_arrive(void)
{
	for (u32 i = 0; i < 100; i++)
		cpu_relax();
}

/* Where a waiting interrupt is taken: RIP in the handler's frame minus the label. */
#define TAKEN(code, label)                                                                         \
	({                                                                                         \
		u64 label_;                                                                        \
		begin();                                                                           \
		send_self(LOW);                                                                    \
		let_arrive();                                                                      \
		asm volatile("lea " label "(%%rip), %0\n" code "\n cli"                            \
			     : "=&r"(label_)                                                       \
			     :                                                                     \
			     : "rax", "rcx", "memory", "cc");                                      \
		interrupted_at - label_;                                                           \
	})

static void check_shadows(void)
{
	check_equal("STI: behind the next instruction", TAKEN("sti\n nop\n1: nop\n nop", "1f"), 0);
	TAKEN("1: sti\n cli\n nop", "1b");
	check_equal("STI and CLI: not at all", order_count, 0);
	open_window();
	check_equal("POPF: behind itself",
		    TAKEN("pushfq\n orq $0x200, (%%rsp)\n popfq\n1: nop", "1f"), 0);
	check_equal("IRETQ: behind itself",
		    TAKEN("mov %%rsp, %%rcx\n push $0x10\n push %%rcx\n push $0x202\n push $0x08\n"
			  "push %0\n iretq\n1: nop", "1f"),
		    0);
	check_equal("STI and HLT: behind the HLT", TAKEN("sti\n hlt\n1: nop", "1f"), 0);
	check_equal("one interrupt each", order_count, 2);
	/* Two wait: the second is taken where the first one returns to, before anything else. */
	send_self(HIGH);
	check_equal("IRETQ lets the next one in at once", TAKEN("sti\n nop\n1: nop\n nop", "1f"),
		    0);
	check_equal("two interrupts", order_count, 4);
}

PROBE(read_register, "mov %edi, %ecx", "rdmsr", "");
PROBE(write_register, "mov %edi, %ecx\n mov %esi, %eax\n xor %edx, %edx", "wrmsr", "");

static void check_registers_refused(void)
{
	check_fault("EOI cannot be read", GP, 0, read_register, X2APIC_EOI);
	check_fault("EOI takes 0 only", GP, 0, write_register, X2APIC_EOI, 1);
	check_fault("the ID cannot be written", GP, 0, write_register, X2APIC_ID);
	check_fault("ISR cannot be written", GP, 0, write_register, X2APIC_ISR);
	check_fault("there is no DFR", GP, 0, read_register, 0x80e);
	check_fault("there is no second ICR", GP, 0, read_register, 0x831);
	check_fault("SELF IPI cannot be read", GP, 0, read_register, X2APIC_SELF_IPI);
	check_fault("TPR has 8 bits", GP, 0, write_register, X2APIC_TPR, 0x100);
}

void check_interrupts(void)
{
	const u32 vectors[] = { LOW, LOW2, HIGH, HIGHEST };

	apic_on();
	this_cpu()->apic_id = rdmsr(X2APIC_ID);
	for (u32 i = 0; i < ARRAY_SIZE(vectors); i++)
		hooks[vectors[i]] = note;
	check_pending();
	check_priorities();
	hooks[LOW] = in_handler;
	send_self(LOW);
	open_window();
	hooks[LOW] = note;
	check_priority_registers();
	check_shadows();
	check_registers_refused();
	open_window(); /* nothing is left for the next group */
	for (u32 i = 0; i < ARRAY_SIZE(vectors); i++)
		hooks[vectors[i]] = NULL;
}
