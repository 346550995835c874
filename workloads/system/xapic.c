/* The local APIC as a page of registers (SDM Vol. 3A, "Local APIC Register Address Map"), and the
 * way from there to x2APIC mode, from which there is none back. */
#include "apic.h"

#define APIC_PHYS 0xfee00000
#define PAGE (AREA + 0x400000)
#define PTE_UNCACHED 0x10ul
#define VECTOR 0x51

#define ID 0x020
#define VERSION 0x030
#define TPR 0x080
#define EOI 0x0b0
#define SVR 0x0f0
#define ISR 0x100
#define IRR 0x200
#define ICR 0x300
#define LVT_TIMER 0x320
#define INITIAL_COUNT 0x380
#define CURRENT_COUNT 0x390
#define DIVIDE 0x3e0

PROBE(read_x2apic, "mov %edi, %ecx", "rdmsr", "");
PROBE(write_base, "mov $0x1b, %ecx\n mov %edi, %eax\n xor %edx, %edx", "wrmsr", "");

static u32 taken;

static u32 read_apic(u32 offset)
{
	return *(volatile u32 *)(PAGE + offset);
}

static void write_apic(u32 offset, u32 value)
{
	*(volatile u32 *)(PAGE + offset) = value;
}

static bool note(struct pt_regs *regs)
{
	(void)regs;
	taken++;
	write_apic(EOI, 0);
	return true;
}

static void check_page(void)
{
	u64 cr8;

	check_equal("ID", read_apic(ID) >> 24, 0);
	check("VERSION", (read_apic(VERSION) & 0xff) >= 0x10);
	write_apic(SVR, SIVR_ENABLE | 0xff);
	check_equal("SVR", read_apic(SVR), SIVR_ENABLE | 0xff);
	write_apic(TPR, 0x70);
	asm volatile("mov %%cr8, %0" : "=r"(cr8));
	check_equal("TPR is CR8", cr8, 7);
	write_apic(ICR, ICR_TO_SELF | VECTOR);
	check_equal("IRR has it", read_apic(IRR + VECTOR / 32 * 16) >> VECTOR % 32 & 1, 1);
	open_window();
	check_equal("TPR keeps it off", taken, 0);
	write_apic(TPR, 0);
	open_window();
	check_equal("it comes", taken, 1);
	check_equal("ISR is clear", read_apic(ISR + VECTOR / 32 * 16), 0);
}

static void check_timer_page(void)
{
	u32 first, second;

	taken = 0;
	write_apic(DIVIDE, DIVIDE_BY_1);
	write_apic(LVT_TIMER, VECTOR);
	write_apic(INITIAL_COUNT, 20000);
	first = read_apic(CURRENT_COUNT);
	second = read_apic(CURRENT_COUNT);
	check("the count goes down", first <= 20000 && second < first);
	for (u32 i = 0; i < 1000 && !taken; i++)
		asm volatile("sti; hlt; cli" : : : "memory");
	check_equal("the timer fires", taken, 1);
	check_equal("the count is 0", read_apic(CURRENT_COUNT), 0);
	write_apic(LVT_TIMER, LVT_MASKED);
}

void check_xapic(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	if (base & APIC_BASE_X2APIC)
		return;
	check_equal("IA32_APIC_BASE: enabled, boot processor", base, APIC_PHYS | 0x900);
	*entry_of(PAGE, 1) = APIC_PHYS | PTE_P | PTE_W | PTE_UNCACHED;
	hooks[VECTOR] = note;
	check_page();
	check_timer_page();
	check_fault("x2APIC registers are not there", GP, 0, read_x2apic, X2APIC_ID);
	apic_on();
	check_equal("x2APIC mode", rdmsr(MSR_APIC_BASE), APIC_PHYS | 0xd00);
	check_runs("then they are", 0, read_x2apic, X2APIC_ID);
	check_fault("no way back to the page", GP, 0, write_base, APIC_PHYS | 0x900);
	hooks[VECTOR] = NULL;
	unmap(PAGE);
}
