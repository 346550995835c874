/* Segment registers, the descriptor tables and their instructions, FS and GS. */
#include "system.h"

#define MSR_FS_BASE 0xc0000100 /* IA32_FS_BASE */
#define CR4_FSGSBASE (1 << 16)
#define BEYOND 0xfff8

PROBE(load_ds, "", "mov %edi, %ds", "mov %ds, %eax\n mov $0x10, %ecx\n mov %ecx, %ds");
PROBE(load_es, "", "mov %edi, %es", "mov %es, %eax\n mov $0x10, %ecx\n mov %ecx, %es");
PROBE(load_ss, "", "mov %edi, %ss", "mov %ss, %eax\n mov $0x10, %ecx\n mov %ecx, %ss");
PROBE(load_cs, "", ".byte 0x8e, 0xcf", ""); /* MOV to CS */
PROBE(load_fs_segment, "", "mov %edi, %fs", "mov %fs, %eax");
PROBE(far_return, "push %rdi\n lea far_return_next(%rip), %rax\n push %rax", "lretq",
      "mov %cs, %eax\n push $0x08\n lea 1f(%rip), %rcx\n push %rcx\n lretq\n1:");
PROBE(far_jump,
      "sub $16, %rsp\n lea far_jump_next(%rip), %rax\n mov %rax, (%rsp)\n mov %edi, 8(%rsp)",
      "rex.w ljmp *(%rsp)", "mov %cs, %eax\n add $16, %rsp");
PROBE(load_tr, "", "ltr %di", "");
PROBE(load_ldt, "", "lldt %di", "sldt %eax");
PROBE(push_pop_fs, "push %rdi", "pop %fs", "push %fs\n pop %rax");
PROBE(load_based, "", "mov %fs:(%rdi), %rax", "");
PROBE(swap_gs, "", "swapgs", "");
PROBE(read_fs_base, "", "rdfsbase %rax", "");
PROBE(write_fs_base, "", "wrfsbase %rdi", "");

static u64 word;

/* ZF, and what the instruction found. */
#define ASK(instruction, selector)                                                                 \
	({                                                                                         \
		u32 found_ = 0;                                                                    \
		u8 good_;                                                                          \
		asm volatile(instruction " %2, %0; setz %1"                                        \
			     : "+r"(found_), "=q"(good_)                                           \
			     : "r"((u32)(selector))                                                \
			     : "cc");                                                              \
		good_ ? found_ | 1ul << 32 : 0ul;                                                  \
	})

#define VERIFY(instruction, selector)                                                              \
	({                                                                                         \
		u8 good_;                                                                          \
		asm volatile(instruction " %w1; setz %0" : "=q"(good_) : "r"(selector) : "cc");    \
		good_;                                                                             \
	})

static void check_loads(void)
{
	check_runs("DS takes a data segment", KERNEL_DS, load_ds, KERNEL_DS);
	check_runs("DS takes the null selector", 3, load_ds, 3);
	check_runs("ES takes a conforming code segment", CONFORMING_CODE, load_es, CONFORMING_CODE);
	check_fault("DS beyond the GDT", GP, BEYOND, load_ds, BEYOND);
	check_fault("DS in an LDT that is not there", GP, 0x14, load_ds, 0x14);
	check_fault("DS absent", NP, ABSENT_DATA, load_ds, ABSENT_DATA);
	check_fault("DS with a system segment", GP, SMALL_TSS, load_ds, SMALL_TSS);
	check_fault("DS with RPL above DPL", GP, KERNEL_DS, load_ds, KERNEL_DS | 3);
	check_runs("SS takes a writable segment", KERNEL_DS, load_ss, KERNEL_DS);
	check_runs("SS takes the null selector in ring 0", 0, load_ss);
	check_fault("SS read-only", GP, READ_ONLY_DATA, load_ss, READ_ONLY_DATA);
	check_fault("SS absent", SS, ABSENT_DATA, load_ss, ABSENT_DATA);
	check_fault("SS of ring 3", GP, USER_DS & ~3, load_ss, USER_DS);
	check_fault("MOV to CS", UD, 0, load_cs, KERNEL_CS);
	check_runs("far return", KERNEL_CS, far_return, KERNEL_CS);
	check_runs("far return to conforming code", CONFORMING_CODE, far_return, CONFORMING_CODE);
	check_fault("far return to data", GP, KERNEL_DS, far_return, KERNEL_DS);
	check_fault("far return to null", GP, 0, far_return);
	check_fault("far return to absent", NP, ABSENT_CODE, far_return, ABSENT_CODE);
	check_runs("far jump", KERNEL_CS, far_jump, KERNEL_CS);
	check_fault("far jump to data", GP, KERNEL_DS, far_jump, KERNEL_DS);
}

static void check_system_segments(void)
{
	struct descriptor_table table;
	u64 selector;

	check_equal("LTR makes the TSS busy", gdt[TSS_FIRST / 8] >> 40 & 0xff, 0x8b);
	check_fault("LTR of a busy TSS", GP, TSS_FIRST, load_tr, TSS_FIRST);
	check_fault("LTR of an absent TSS", NP, ABSENT_TSS, load_tr, ABSENT_TSS);
	check_fault("LTR of data", GP, KERNEL_DS, load_tr, KERNEL_DS);
	check_fault("LTR of null", GP, 0, load_tr);
	asm volatile("str %0" : "=r"(selector));
	check_equal("STR", selector, TSS_FIRST);
	check_runs("LLDT of null", 0, load_ldt);
	check_fault("LLDT of data", GP, KERNEL_DS, load_ldt, KERNEL_DS);
	asm volatile("sgdt %0" : "=m"(table));
	check("SGDT", table.base == (u64)gdt);
	asm volatile("sidt %0" : "=m"(table));
	check("SIDT", table.base == (u64)idt && table.limit == sizeof(idt) - 1);

	check_equal("LAR of code", ASK("lar", KERNEL_CS), 1ul << 32 | 0x00209b00);
	check_equal("LAR of data", ASK("lar", KERNEL_DS), 1ul << 32 | 0x00009300);
	check_equal("LAR of a TSS", ASK("lar", TSS_FIRST), 1ul << 32 | 0x00008b00);
	check_equal("LAR of null", ASK("lar", 0), 0);
	check_equal("LAR beyond the GDT", ASK("lar", BEYOND), 0);
	check_equal("LSL of a TSS", ASK("lsl", TSS_FIRST), 1ul << 32 | (sizeof(struct tss) - 1));
	check_equal("LSL of null", ASK("lsl", 3), 0);
	check_equal("VERR of data", VERIFY("verr", KERNEL_DS), 1);
	check_equal("VERR of data with RPL 3", VERIFY("verr", KERNEL_DS | 3), 0);
	check_equal("VERR of a TSS", VERIFY("verr", TSS_FIRST), 0);
	check_equal("VERW of data", VERIFY("verw", KERNEL_DS), 1);
	check_equal("VERW of read-only data", VERIFY("verw", READ_ONLY_DATA), 0);
	check_equal("VERW of code", VERIFY("verw", KERNEL_CS), 0);
}

static void check_bases(void)
{
	word = 0x1122334455667788;
	wrmsr(MSR_FS_BASE, (u64)&word - 0x1000);
	check_runs("load by FS with an MSR's base", word, load_based, 0x1000);
	wrmsr(MSR_FS_BASE, (u64)&word + 0x1000);
	check_runs("a negative offset", word, load_based, -0x1000ul);
	check_runs("FS takes a data segment", BASED_DATA, load_fs_segment, BASED_DATA);
	check_equal("its base is the descriptor's", rdmsr(MSR_FS_BASE), DATA_BASE);
	check_runs("FS takes null", 0, load_fs_segment);
	check_equal("its base is 0 then", rdmsr(MSR_FS_BASE), 0);
	check_runs("PUSH and POP of FS", BASED_DATA, push_pop_fs, BASED_DATA);
	check_equal("its base", rdmsr(MSR_FS_BASE), DATA_BASE);
	check_fault("POP FS absent", NP, ABSENT_DATA, push_pop_fs, ABSENT_DATA);
	wrmsr(MSR_GS_BASE, 0x1234);
	wrmsr(MSR_KERNEL_GS_BASE, 0xffff800000005678);
	probe(swap_gs, 0, 0, 0);
	check_equal("SWAPGS, GS base", rdmsr(MSR_GS_BASE), 0xffff800000005678);
	check_equal("SWAPGS, the other", rdmsr(MSR_KERNEL_GS_BASE), 0x1234);

	write_cr4(read_cr4() & ~CR4_FSGSBASE);
	check_fault("RDFSBASE without CR4.FSGSBASE", UD, 0, read_fs_base);
	write_cr4(read_cr4() | CR4_FSGSBASE);
	probe(write_fs_base, (u64)&word, 0, 0);
	check_runs("WRFSBASE and RDFSBASE", (u64)&word, read_fs_base);
	check_fault("WRFSBASE non-canonical", GP, 0, write_fs_base, NON_CANONICAL);
}

void check_segments(void)
{
	check_loads();
	check_system_segments();
	check_bases();
}
