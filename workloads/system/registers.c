/* Control registers and model-specific registers: what they refuse, what they keep. */
#include "system.h"

#define CR0_PE (1ul << 0)
#define CR0_PG (1ul << 31)
#define CR0_RESERVED 0x1ffaffc0 /* below 32 */
#define CR4_VME (1ul << 0)
#define CR4_TSD (1ul << 2)
#define CR4_DE (1ul << 3)
#define CR4_PSE (1ul << 4)
#define CR4_PAE (1ul << 5)
#define CR4_MCE (1ul << 6)
#define CR4_PCE (1ul << 8)
#define CR4_OSFXSR (1ul << 9)
#define CR4_OSXMMEXCPT (1ul << 10)
#define CR4_UMIP (1ul << 11)
#define CR4_PCIDE (1ul << 17)
#define CR4_SMEP (1ul << 20)
#define EFER_RESERVED 2
#define MSR_TSC 0x10		/* IA32_TIME_STAMP_COUNTER */
#define MSR_TSC_AUX 0xc0000103	/* IA32_TSC_AUX */
#define MSR_MISC_ENABLE 0x1a0	/* IA32_MISC_ENABLE */
#define MSR_UNKNOWN 0x12345

PROBE(set_cr0, "", "mov %rdi, %cr0", "");
PROBE(clear_then_cr0, "xor %eax, %eax", "mov %rdi, %cr0", "");
PROBE(clear_then_cr3, "xor %eax, %eax", "mov %rdi, %cr3", "");
PROBE(set_cr1, "", ".byte 0x0f, 0x22, 0xcf", "");
PROBE(set_cr3, "", "mov %rdi, %cr3", "");
PROBE(set_cr4, "", "mov %rdi, %cr4", "");
PROBE(set_cr8, "", "mov %rdi, %cr8", "mov %cr8, %rax");
PROBE(set_dr7, "", "mov %rdi, %dr7", "mov %dr7, %rax");
PROBE(read_msr, "mov %edi, %ecx", "rdmsr", "shl $32, %rdx\n or %rdx, %rax");
PROBE(write_msr, "mov %edi, %ecx\n mov %esi, %eax\n mov %rsi, %rdx\n shr $32, %rdx", "wrmsr", "");
PROBE(read_tscp, "", "rdtscp", "mov %rcx, %rax");

static void check_refused_msr(const char *name, u32 msr, u64 value)
{
	check_fault(name, GP, 0, write_msr, msr, value);
}

/* Those that the SDM calls reserved do not count; CR4's are #GP without the feature. */
static void check_reserved(void)
{
	static const u64 unlisted[] = { CR4_VME, CR4_DE, CR4_MCE, CR4_OSFXSR, CR4_OSXMMEXCPT,
					CR4_UMIP, CR4_PCIDE, CR4_SMEP };
	const u64 cr0 = read_cr0(), cr3 = read_cr3(), cr4 = read_cr4();

	check_runs("CR0 with reserved bits", 0, clear_then_cr0, cr0 | CR0_RESERVED);
	check_equal("they stay clear", read_cr0(), cr0);
	check_runs("CR3 with ignored bits", 0, clear_then_cr3, cr3 | 7);
	check_equal("they stay clear", read_cr3(), cr3);
	for (u32 i = 0; i < ARRAY_SIZE(unlisted); i++)
		check_fault("CR4 with a bit of no feature", GP, 0, set_cr4, cr4 | unlisted[i]);
	write_cr4(cr4 | CR4_TSD | CR4_PSE | CR4_PCE);
	check_equal("CR4 with those of features", read_cr4(), cr4 | CR4_TSD | CR4_PSE | CR4_PCE);
	write_cr4(cr4);
}

static void check_control(void)
{
	const u64 cr0 = read_cr0(), cr3 = read_cr3(), cr4 = read_cr4();
	u16 word;

	check("CR0 has PE, ET, PG", (cr0 & 0x80000011) == 0x80000011);
	check_fault("CR0 without PE", GP, 0, set_cr0, cr0 & ~CR0_PE);
	check_fault("CR0 without PG", GP, 0, set_cr0, cr0 & ~CR0_PG);
	check_fault("CR0 with upper bits", GP, 0, set_cr0, cr0 | 1ul << 32);
	check_fault("CR0 with NW but not CD", GP, 0, set_cr0, cr0 | 1ul << 29);
	check_fault("CR1", UD, 0, set_cr1);
	check_fault("CR3 with reserved bits", GP, 0, set_cr3, cr3 | 1ul << 52);
	check_fault("CR4 without PAE", GP, 0, set_cr4, cr4 & ~CR4_PAE);
	check_fault("CR4 with reserved bits", GP, 0, set_cr4, cr4 | 1ul << 40);
	check_equal("CR0 is unchanged", read_cr0(), cr0);
	check_equal("CR4 is unchanged", read_cr4(), cr4);
	check_runs("CR8", 7, set_cr8, 7);
	check_runs("CR8 back", 0, set_cr8);
	check_fault("CR8 above 15", GP, 0, set_cr8, 16);
	check_runs("DR7", 0x400, set_dr7, 0x400);
	check_fault("DR7 with upper bits", GP, 0, set_dr7, 1ul << 32);
	asm volatile("smsw %0" : "=r"(word));
	check_equal("SMSW", word, (u16)cr0);
	asm volatile("mov %0, %%cr2" : : "r"(0xffff800012345678));
	check_equal("CR2", read_cr2(), 0xffff800012345678);
	asm volatile("mov %0, %%cr0; clts" : : "r"(cr0 | 8));
	check_equal("CLTS", read_cr0(), cr0 & ~8ul);
}

static void check_msrs(void)
{
	u64 efer = rdmsr(MSR_EFER), lstar = rdmsr(MSR_LSTAR), before;

	check_fault("RDMSR unknown", GP, 0, read_msr, MSR_UNKNOWN);
	check_refused_msr("WRMSR unknown", MSR_UNKNOWN, 0);
	check_equal("EFER has LME, LMA", efer & 0x500, 0x500);
	check_refused_msr("EFER with reserved bits", MSR_EFER, efer | EFER_RESERVED);
	check_refused_msr("EFER without LME", MSR_EFER, efer & ~0x100ul);
	check_equal("EFER is unchanged", rdmsr(MSR_EFER), efer);
	check_refused_msr("LSTAR non-canonical", MSR_LSTAR, NON_CANONICAL);
	check_refused_msr("GS base non-canonical", MSR_GS_BASE, NON_CANONICAL);
	check_refused_msr("kernel GS base non-canonical", MSR_KERNEL_GS_BASE, NON_CANONICAL);
	check_equal("LSTAR is unchanged", rdmsr(MSR_LSTAR), lstar);
	wrmsr(MSR_SFMASK, 0x47700);
	check_equal("FMASK", rdmsr(MSR_SFMASK), 0x47700);
	check_refused_msr("FMASK with upper bits", MSR_SFMASK, 1ul << 32);
	check_refused_msr("TSC_AUX with upper bits", MSR_TSC_AUX, 1ul << 32);
	check_equal("there are no BTS and no PEBS", rdmsr(MSR_MISC_ENABLE) >> 11 & 3, 3);
	check_refused_msr("MISC_ENABLE with reserved bits", MSR_MISC_ENABLE, 1ul << 63);
	check_refused_msr("MISC_ENABLE with MONITOR", MSR_MISC_ENABLE, 1 << 18);
	wrmsr(MSR_MISC_ENABLE, rdmsr(MSR_MISC_ENABLE));
	wrmsr(MSR_TSC_AUX, 0x89abcdef);
	check_runs("RDTSCP gives TSC_AUX", 0x89abcdef, read_tscp);
	before = rdtsc();
	check("the TSC goes on", rdtsc() > before && rdmsr(MSR_TSC) > before);
	wrmsr(MSR_TSC, 1ul << 40);
	check("the TSC can be set", rdtsc() - (1ul << 40) < 1000000);
	wrmsr(MSR_TSC, before);
}

void check_registers(void)
{
	check_control();
	check_reserved();
	check_msrs();
}
