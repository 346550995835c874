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

PROBE(return_with_ss,
      "mov %rsp, %rax\n push %rdi\n push %rax\n pushfq\n push $0x08\n lea 1f(%rip), %rax\n"
      "push %rax",
      "iretq", "1: mov %ss, %eax\n mov $0x10, %ecx\n mov %ecx, %ss");
PROBE(return_outwards, "push %rdi\n push $0\n push $0x2b\n push $0", "lretq", "");

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
	check_fault("far return to L and D", GP, WIDE_CODE, far_return, WIDE_CODE);
	check_fault("far jump to L and D", GP, WIDE_CODE, far_jump, WIDE_CODE);
	check_runs("far jump", KERNEL_CS, far_jump, KERNEL_CS);
	check_fault("far jump to data", GP, KERNEL_DS, far_jump, KERNEL_DS);
	check_fault("far jump with RPL above CPL", GP, KERNEL_CS, far_jump, KERNEL_CS | 3);
}

/* IRETQ and RETF look at SS as MOV does. */
static void check_returned_stack(void)
{
	check_runs("IRETQ with a stack", KERNEL_DS, return_with_ss, KERNEL_DS);
	check_runs("IRETQ with the null stack in ring 0", 0, return_with_ss);
	check_fault("IRETQ with a read-only stack", GP, READ_ONLY_DATA, return_with_ss,
		    READ_ONLY_DATA);
	check_fault("IRETQ with code as stack", GP, KERNEL_CS, return_with_ss, KERNEL_CS);
	check_fault("IRETQ with a TSS as stack", GP, SMALL_TSS, return_with_ss, SMALL_TSS);
	check_fault("IRETQ with an absent stack", SS, ABSENT_DATA, return_with_ss, ABSENT_DATA);
	check_fault("IRETQ with a stack of ring 3", GP, USER_DS & ~3, return_with_ss, USER_DS);
	check_fault("IRETQ with a stack's RPL 3", GP, KERNEL_DS, return_with_ss, KERNEL_DS | 3);
	check_fault("RETF to ring 3, a stack of ring 0", GP, KERNEL_DS, return_outwards,
		    KERNEL_DS);
	check_fault("RETF to ring 3, code as stack", GP, USER_CS & ~3, return_outwards, USER_CS);
	check_fault("RETF to ring 3, a null stack", GP, 0, return_outwards, 3);
}

static u64 type_of(const u64 *table, u32 selector)
{
	return ((volatile const u64 *)table)[selector / 8] >> 40 & 0xff;
}

static void check_accessed(void)
{
	check_equal("LAR of data not accessed", ASK("lar", NEW_DATA), 1ul << 32 | 0x9200);
	check_equal("leaves it so", type_of(gdt, NEW_DATA), 0x92);
	check_runs("a load of it", NEW_DATA, load_ds, NEW_DATA);
	check_equal("makes it accessed", type_of(gdt, NEW_DATA), 0x93);
	check_runs("a return to code not accessed", NEW_CODE, far_return, NEW_CODE);
	check_equal("makes it accessed", type_of(gdt, NEW_CODE), 0x9b);
}

static void check_local(void)
{
	check_runs("LLDT", LOCAL_TABLE, load_ldt, LOCAL_TABLE);
	check_runs("FS from the LDT", LOCAL_DATA, load_fs_segment, LOCAL_DATA);
	check_equal("its base", rdmsr(MSR_FS_BASE), DATA_BASE);
	check_runs("DS from the LDT", LOCAL_NEW, load_ds, LOCAL_NEW);
	check_equal("is accessed", type_of(ldt, LOCAL_NEW), 0xf3);
	check_runs("CS from the LDT", LOCAL_CODE, far_return, LOCAL_CODE);
	check_fault("an empty entry of the LDT", GP, 4, load_ds, 4);
	check_fault("beyond the LDT", GP, LDT_ENTRIES * 8 + 4, load_ds, LDT_ENTRIES * 8 + 4);
	check_equal("LAR through the LDT", ASK("lar", LOCAL_CODE), 1ul << 32 | 0x00209b00);
	check_equal("LAR beyond the LDT", ASK("lar", LDT_ENTRIES * 8 + 4), 0);
	check_equal("LSL through the LDT", ASK("lsl", LOCAL_DATA), 1ul << 32);
	check_equal("VERR through the LDT", VERIFY("verr", LOCAL_DATA), 1);
	check_equal("VERW through the LDT", VERIFY("verw", LOCAL_CODE), 0);
	check_equal("LSL of an LDT", ASK("lsl", LOCAL_TABLE), 1ul << 32 | (LDT_ENTRIES * 8 - 1));
	check_fault("LLDT of a selector in the LDT", GP, LOCAL_TABLE | 4, load_ldt,
		    LOCAL_TABLE | 4);
	check_fault("LLDT of a TSS", GP, SMALL_TSS, load_ldt, SMALL_TSS);
	check_fault("LTR of an LDT", GP, LOCAL_TABLE, load_tr, LOCAL_TABLE);
	gdt[LOCAL_TABLE / 8] ^= 1ul << 47;
	check_fault("LLDT absent", NP, LOCAL_TABLE, load_ldt, LOCAL_TABLE);
	gdt[LOCAL_TABLE / 8] ^= 1ul << 47;
	gdt[LOCAL_TABLE / 8 + 1] ^= 1ul << 40;
	check_fault("LLDT with a type in the upper half", GP, LOCAL_TABLE, load_ldt, LOCAL_TABLE);
	gdt[LOCAL_TABLE / 8 + 1] ^= 1ul << 40;
	check_runs("LLDT of null", 0, load_ldt);
	check_fault("the LDT is gone", GP, LOCAL_DATA, load_ds, LOCAL_DATA);
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
	check_returned_stack();
	check_accessed();
	check_system_segments();
	check_local();
	check_bases();
}
