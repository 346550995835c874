/*
 * Ring 3: the way there by IRETQ and back through the TSS, what is refused there, and page faults
 * with the user bit. The code is copied to a user page; it ends in INT 40H.
 */
#include "system.h"

#define EXIT_VECTOR 0x40
#define GUARDED 0x41 /* a gate of DPL 0 */
#define KERNEL_PAGE (AREA + 0x200000)
#define USER_PAGE (AREA + 0x201000)
#define USER_READ_ONLY (AREA + 0x202000)
#define USER_ABSENT (AREA + 0x203000)
#define CR0_WP (1ul << 16)
#define CR4_TSD (1ul << 2)
#define CR0_AM (1ul << 18)
#define USER_FLAGS (EFLAGS_FIXED | EFLAGS_IF)

/* A piece of user code: its first instruction is the one that is looked at. */
#define USER(name, code)                                                                           \
	extern u8 name[], name##_end[];                                                            \
	asm(".text\n"                                                                              \
	    ".globl " #name ", " #name "_end\n" #name ":\n" code "\n int $0x40\n" #name "_end:\n")

USER(user_exit, "");
USER(user_int_guarded, "int $0x41");
USER(user_int3, "int3");
USER(user_hlt, "hlt");
USER(user_cli, "cli");
USER(user_sti, "sti");
USER(user_in, "in $0x80, %al");
USER(user_outb, "outb %al, $0xf4");
USER(user_lgdt, "lgdt (%rdi)");
USER(user_lidt, "lidt (%rdi)");
USER(user_ltr, "ltr %ax");
USER(user_lldt, "lldt %ax");
USER(user_read_cr0, "mov %cr0, %rax");
USER(user_write_cr3, "mov %rax, %cr3");
USER(user_read_cr8, "mov %cr8, %rax");
USER(user_read_dr7, "mov %dr7, %rax");
USER(user_rdmsr, "rdmsr");
USER(user_wrmsr, "wrmsr");
USER(user_invlpg, "invlpg (%rdi)");
USER(user_wbinvd, "wbinvd");
USER(user_clts, "clts");
USER(user_swapgs, "swapgs");
USER(user_sysret, "sysretq");
USER(user_rdtsc, "rdtsc");
USER(user_cpuid, "cpuid");
USER(user_load, "mov (%rdi), %rax");
USER(user_store, "mov %rax, (%rdi)");
USER(user_jump, "jmp *%rdi");
USER(user_lock, "lock incq (%rdi)");
USER(user_push, "push %rax");
USER(user_segments, "mov %ds, %eax\n mov %es, %ecx\n mov %fs, %edx\n mov %gs, %esi");
USER(user_popf_ac, "push $0x40002\n popfq\n mov %rax, (%rdi)");
USER(user_load_ds, "mov %edi, %ds");
USER(user_load_ss, "mov %edi, %ss");
/* POPF there keeps IF and IOPL, without a fault. */
USER(user_popf, "push $0x3002\n popfq\n pushfq\n pop %rax");
/* IRETQ from ring 3 to ring 3. */
USER(user_iret, "lea 1f(%rip), %rax\n mov %rsp, %rcx\n push $0x23\n push %rcx\n pushfq\n"
		"push $0x2b\n push %rax\n iretq\n hlt\n1: mov $7, %eax");
USER(user_iret_inwards, "push $0x10\n push %rsp\n pushfq\n push $0x08\n push $0\n"
			".globl user_iret_inwards_at\n user_iret_inwards_at: iretq");
extern u8 user_iret_inwards_at[];

static struct pt_regs regs;

/* Runs the code with RDI; returns the vector that ended it. */
static u64 run(const u8 *code, const u8 *end, u64 rdi)
{
	memcpy(frames[0], code, end - code);
	regs = (struct pt_regs){
		.rip = USER_CODE, .cs = USER_CS, .rflags = USER_FLAGS,
		.rsp = USER_STACK, .ss = USER_DS, .rdi = rdi, .rbx = 0xb0b0b0b0b0b0b0b0,
	};
	return run_user(&regs);
}

#define RUN(code, rdi) run(code, code##_end, rdi)
#define AT_START ((void *)USER_CODE)

#define REFUSED(code) check_trap(#code, RUN(code, 0), GP, 0, AT_START)

static void check_way(void)
{
	const struct cpu *cpu = this_cpu();
	const struct pt_regs *last = &cpu->last;

	check_trap("ring 3 and back", RUN(user_exit, 0x1234), EXIT_VECTOR, 0,
		   (void *)(USER_CODE + 2));
	check_equal("its CS", last->cs, USER_CS);
	check_equal("its SS", last->ss, USER_DS);
	check_equal("its RSP", last->rsp, USER_STACK);
	check_equal("its flags", last->rflags, USER_FLAGS);
	check("its registers",
	      last->rdi == 0x1234 && last->rbx == 0xb0b0b0b0b0b0b0b0 && !last->rax);
	check_equal("the frame stands on RSP0", (u64)(cpu->frame + 1), cpu->tss.rsp[0]);
	idt[EXIT_VECTOR].ist = 1;
	RUN(user_exit, 0);
	check_equal("with an IST on that", (u64)(cpu->frame + 1), cpu->tss.ist[0]);
	idt[EXIT_VECTOR].ist = 0;
	check_trap("INT n of a guarded gate", RUN(user_int_guarded, 0), GP, GUARDED * 8 + 2,
		   AT_START);
	check_trap("INT3 of a guarded gate", RUN(user_int3, 0), GP, BP * 8 + 2, AT_START);
	check_trap("IRETQ to ring 3", RUN(user_iret, 0), EXIT_VECTOR, 0, NULL);
	check_equal("arrived", last->rax, 7);
	check_equal("its RSP", last->rsp, USER_STACK);
	check_trap("IRETQ inwards", RUN(user_iret_inwards, 0), GP, KERNEL_CS,
		   (void *)(USER_CODE + (user_iret_inwards_at - user_iret_inwards)));
	check_trap("POPF", RUN(user_popf, 0), EXIT_VECTOR, 0, NULL);
	check_equal("keeps IF and IOPL", last->rax & 0x3200, EFLAGS_IF);
	check_trap("jump to a non-canonical address", RUN(user_jump, NON_CANONICAL), GP, 0,
		   AT_START);
	check_trap("DS of ring 0", RUN(user_load_ds, KERNEL_DS), GP, KERNEL_DS, AT_START);
	check_trap("DS null", RUN(user_load_ds, 0), EXIT_VECTOR, 0, NULL);
	check_trap("SS null", RUN(user_load_ss, 0), GP, 0, AT_START);
	load_segments();
}

/* A return outwards takes away the data segments of inner rings. */
static void check_segments_after(void (*load)(void), const char *name)
{
	const struct pt_regs *last = &this_cpu()->last;

	load();
	group(name);
	check_trap("return to ring 3", RUN(user_segments, 0), EXIT_VECTOR, 0, NULL);
	check_equal("DS of ring 0", last->rax, 0);
	check_equal("ES of ring 3", last->rcx, USER_DS);
	check_equal("FS with conforming code", last->rdx, CONFORMING_CODE);
	check_equal("GS of ring 0", last->rsi, 0);
	load_segments();
	group("rings");
}

static void load_mixed(void)
{
	asm volatile("mov %0, %%ds; mov %1, %%es; mov %2, %%fs; mov %0, %%gs"
		     : : "r"(KERNEL_DS), "r"(USER_DS), "r"(CONFORMING_CODE));
}

static u64 run_checked(const u8 *code, const u8 *end, u64 rdi, u64 rsp)
{
	memcpy(frames[0], code, end - code);
	regs = (struct pt_regs){
		.rip = USER_CODE, .cs = USER_CS, .rflags = USER_FLAGS | EFLAGS_AC,
		.rsp = rsp, .ss = USER_DS, .rdi = rdi,
	};
	return run_user(&regs);
}

#define RUN_CHECKED(code, rdi) run_checked(code, code##_end, rdi, USER_STACK)

/* SDM Vol. 3A, "Interrupt 17 - Alignment Check Exception (#AC)". */
static void check_alignment(void)
{
	const u64 at = USER_STACK - 128;

	check_trap("not aligned, EFLAGS.AC without CR0.AM", RUN_CHECKED(user_store, at + 1),
		   EXIT_VECTOR, 0, NULL);
	write_cr0(read_cr0() | CR0_AM);
	check_trap("aligned, with both", RUN_CHECKED(user_store, at), EXIT_VECTOR, 0, NULL);
	check_trap("store not aligned", RUN_CHECKED(user_store, at + 4), AC, 0, AT_START);
	check_trap("load not aligned", RUN_CHECKED(user_load, at + 1), AC, 0, AT_START);
	check_trap("LOCK not aligned", RUN_CHECKED(user_lock, at + 2), AC, 0, AT_START);
	check_trap("on an absent page", RUN_CHECKED(user_load, USER_ABSENT + 1), AC, 0, AT_START);
	check_trap("not canonical", RUN_CHECKED(user_load, NON_CANONICAL + 1), GP, 0, AT_START);
	check_trap("PUSH", run_checked(user_push, user_push_end, 0, USER_STACK - 4), AC, 0,
		   AT_START);
	check_equal("its RSP", this_cpu()->last.rsp, USER_STACK - 4);
	check_trap("without EFLAGS.AC", RUN(user_store, at + 1), EXIT_VECTOR, 0, NULL);
	check_trap("POPF sets EFLAGS.AC", RUN(user_popf_ac, at + 1), AC, 0, NULL);
	asm volatile("pushfq; orl $0x40000, (%%rsp); popfq; movq $1, 1(%0);"
		     "pushfq; andl $~0x40000, (%%rsp); popfq"
		     : : "r"(frames[1]) : "memory", "cc");
	check("not in ring 0", true);
	write_cr0(read_cr0() & ~CR0_AM);
}

static void check_refused(void)
{
	REFUSED(user_hlt);
	REFUSED(user_cli);
	REFUSED(user_sti);
	REFUSED(user_in);
	REFUSED(user_outb);
	REFUSED(user_lgdt);
	REFUSED(user_lidt);
	REFUSED(user_ltr);
	REFUSED(user_lldt);
	REFUSED(user_read_cr0);
	REFUSED(user_write_cr3);
	REFUSED(user_read_cr8);
	REFUSED(user_read_dr7);
	REFUSED(user_rdmsr);
	REFUSED(user_wrmsr);
	REFUSED(user_invlpg);
	REFUSED(user_wbinvd);
	REFUSED(user_clts);
	REFUSED(user_swapgs);
	REFUSED(user_sysret);
	check_trap("RDTSC", RUN(user_rdtsc, 0), EXIT_VECTOR, 0, NULL);
	write_cr4(read_cr4() | CR4_TSD);
	check_trap("RDTSC with CR4.TSD", RUN(user_rdtsc, 0), GP, 0, AT_START);
	write_cr4(read_cr4() & ~CR4_TSD);
	check_trap("CPUID", RUN(user_cpuid, 0), EXIT_VECTOR, 0, NULL);
}

/* The I/O permission bit map, and IOPL. */
static void check_ports(void)
{
	struct {
		struct tss tss;
		u8 map[0x10];
		u8 end;
	} __attribute__((packed)) *wide = (void *)frames[8];
	u64 *descriptor = &gdt[SMALL_TSS / 8], old[2] = { descriptor[0], descriptor[1] };
	u64 base = (u64)wide;

	memset(frames[8], 0xff, 0x100);
	wide->tss = this_cpu()->tss;
	wide->tss.io_map_base = offsetof(__typeof__(*wide), map);
	wide->map[0] = 0; /* port 0x80 is beyond the limit, port 0 is free */
	descriptor[0] = (sizeof(*wide) - 1) | (base & 0xffffff) << 16 | 0x89ul << 40 |
			(base >> 24 & 0xff) << 56;
	descriptor[1] = base >> 32;
	ltr(SMALL_TSS);
	check_trap("IN beyond the bit map", RUN(user_in, 0), GP, 0, AT_START);
	memcpy(frames[0], (u8[]){ 0xe4, 0x05, 0xcd, EXIT_VECTOR }, 4); /* in $5, %al */
	regs = (struct pt_regs){ .rip = USER_CODE, .cs = USER_CS, .rflags = USER_FLAGS,
				 .rsp = USER_STACK, .ss = USER_DS };
	check_trap("IN that the bit map allows", run_user(&regs), EXIT_VECTOR, 0, NULL);
	wide->map[0] = 0x20;
	regs = (struct pt_regs){ .rip = USER_CODE, .cs = USER_CS, .rflags = USER_FLAGS,
				 .rsp = USER_STACK, .ss = USER_DS };
	check_trap("IN that the bit map refuses", run_user(&regs), GP, 0, AT_START);
	gdt[TSS_FIRST / 8] &= ~TSS_BUSY;
	ltr(TSS_FIRST);
	descriptor[0] = old[0];
	descriptor[1] = old[1];
	regs = (struct pt_regs){ .rip = USER_CODE, .cs = USER_CS, .rflags = USER_FLAGS | 0x3000,
				 .rsp = USER_STACK, .ss = USER_DS };
	check_trap("IN with IOPL 3", run_user(&regs), EXIT_VECTOR, 0, NULL);
}

static void check_user_fault(const char *name, u64 error, u64 vector, u64 lin, const void *rip)
{
	check_trap(name, vector, PF, error, rip);
	check_equal("its CR2", this_cpu()->last_cr2, lin);
}

static void check_pages_from_user(void)
{
	map(KERNEL_PAGE, frames[2], PTE_W);
	map(USER_PAGE, frames[3], PTE_W | PTE_U | PTE_NX);
	map(USER_READ_ONLY, frames[4], PTE_U);
	unmap(USER_ABSENT);
	check_user_fault("read of a supervisor page", PF_USER | PF_PRESENT,
			 RUN(user_load, KERNEL_PAGE), KERNEL_PAGE, AT_START);
	check_user_fault("write to a supervisor page", PF_USER | PF_PRESENT | PF_WRITE,
			 RUN(user_store, KERNEL_PAGE), KERNEL_PAGE, AT_START);
	check_user_fault("fetch from a supervisor page", PF_USER | PF_PRESENT | PF_FETCH,
			 RUN(user_jump, KERNEL_PAGE), KERNEL_PAGE, (void *)KERNEL_PAGE);
	check_user_fault("read of an absent page", PF_USER, RUN(user_load, USER_ABSENT),
			 USER_ABSENT, AT_START);
	check_user_fault("write to an absent page", PF_USER | PF_WRITE,
			 RUN(user_store, USER_ABSENT), USER_ABSENT, AT_START);
	check_user_fault("fetch from an NX page", PF_USER | PF_PRESENT | PF_FETCH,
			 RUN(user_jump, USER_PAGE), USER_PAGE, (void *)USER_PAGE);
	check_trap("write to a user page", RUN(user_store, USER_PAGE), EXIT_VECTOR, 0, NULL);
	check_trap("read of a read-only page", RUN(user_load, USER_READ_ONLY), EXIT_VECTOR, 0,
		   NULL);
	write_cr0(read_cr0() & ~CR0_WP);
	check_user_fault("write to a read-only page, without CR0.WP too",
			 PF_USER | PF_PRESENT | PF_WRITE, RUN(user_store, USER_READ_ONLY),
			 USER_READ_ONLY, AT_START);
	write_cr0(read_cr0() | CR0_WP);
	/* Supervisor writes first: what they leave in a TLB must not let the user in. */
	store64(KERNEL_PAGE, 1);
	check_user_fault("a page that the supervisor has just written", PF_USER | PF_PRESENT,
			 RUN(user_load, KERNEL_PAGE), KERNEL_PAGE, AT_START);
	*entry_of(USER_PAGE, 2) &= ~PTE_U;
	write_cr3(read_cr3());
	check_user_fault("supervisor in the level above", PF_USER | PF_PRESENT,
			 RUN(user_load, USER_PAGE), USER_PAGE, AT_START);
	*entry_of(USER_PAGE, 2) |= PTE_U;
	write_cr3(read_cr3());
	unmap(KERNEL_PAGE);
	unmap(USER_PAGE);
	unmap(USER_READ_ONLY);
}

void check_rings(void)
{
	map(USER_CODE, frames[0], PTE_U);
	map(USER_STACK - PAGE_SIZE, frames[1], PTE_W | PTE_U | PTE_NX);
	idt[EXIT_VECTOR] = make_gate(EXIT_VECTOR, GATE_INTERRUPT | GATE_USER, 0);
	check_way();
	check_segments_after(load_mixed, "rings, data segments");
	check_alignment();
	check_refused();
	check_ports();
	check_pages_from_user();
	idt[EXIT_VECTOR] = make_gate(EXIT_VECTOR, GATE_INTERRUPT, 0);
}
