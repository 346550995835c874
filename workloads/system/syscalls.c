/* SYSCALL and SYSRET (SDM Vol. 2B): registers, flags, segments. */
#include "system.h"

#define USER_FLAGS (EFLAGS_FIXED | EFLAGS_IF | EFLAGS_DF | 1)
#define MASK (EFLAGS_IF | EFLAGS_DF | EFLAGS_AC)
#define RETURNED 0x40

extern u8 user_syscall[], user_syscall_next[], user_syscall_end[];
asm(".text\n"
    ".globl user_syscall, user_syscall_next, user_syscall_end\n"
    "user_syscall:\n"
    "	syscall\n"
    "user_syscall_next:\n"
    "	mov %cs, %esi\n"
    "	mov %ss, %edi\n"
    "	pushfq\n"
    "	pop %rbp\n"
    "	cld\n"
    "	int $0x40\n"
    "user_syscall_end:\n");

PROBE(sysret_there, "mov %rdi, %rcx\n mov $2, %r11d", "sysretq", "");

static struct pt_regs start(void)
{
	return (struct pt_regs){
		.rip = USER_CODE, .cs = USER_CS, .rflags = USER_FLAGS, .rsp = USER_STACK - 8,
		.ss = USER_DS, .rax = 0x11, .rcx = 0x22, .rdx = 0x33, .r11 = 0x44,
	};
}

static void check_in(void)
{
	const struct pt_regs *last = &this_cpu()->last;
	struct pt_regs regs = start();
	u64 next = USER_CODE + (user_syscall_next - user_syscall);

	check_equal("SYSCALL", run_user(&regs), SYSCALL_VECTOR);
	check_equal("RCX is the return address", last->rcx, next);
	check_equal("R11 is the flags", last->r11, USER_FLAGS);
	check_equal("the flags are masked", last->rflags, USER_FLAGS & ~MASK);
	check_equal("CS", last->cs, KERNEL_CS);
	check_equal("SS", last->ss, KERNEL_DS);
	check_equal("RSP is the user's", last->rsp, USER_STACK - 8);
	check("other registers are the user's", last->rax == 0x11 && last->rdx == 0x33);
}

/* SS follows STAR as it is, only CS loses its RPL (SDM Vol. 2B, "SYSCALL", Operation). */
static void check_selectors(void)
{
	const struct pt_regs *last = &this_cpu()->last;
	struct pt_regs regs = start();
	u64 star = rdmsr(MSR_STAR);

	wrmsr(MSR_STAR, star | 3ul << 32);
	check_equal("SYSCALL with an RPL in STAR", run_user(&regs), SYSCALL_VECTOR);
	load_segments();
	check_equal("CS", last->cs, KERNEL_CS);
	check_equal("SS", last->ss, KERNEL_DS | 3);
	wrmsr(MSR_STAR, star);
}

static void check_back(void)
{
	const struct pt_regs *last = &this_cpu()->last;
	struct pt_regs regs = start();

	regs.rcx = USER_CODE + (user_syscall_next - user_syscall);
	/* RF and VM and the reserved bits do not come back. */
	regs.r11 = USER_FLAGS | 1ul << 16 | 1ul << 17 | 1ul << 22;
	check_equal("SYSRET", run_user_by_sysret(&regs), RETURNED);
	check_equal("CS", last->rsi, USER_CS);
	check_equal("SS", last->rdi, USER_DS);
	check_equal("flags", last->rbp, USER_FLAGS);
	check_equal("RSP is kept", last->rsp, USER_STACK - 8);
	check_equal("RCX is kept", last->rcx, regs.rcx);
	check_fault("SYSRET to a non-canonical address", GP, 0, sysret_there, NON_CANONICAL);
	check_equal("is refused in ring 0", last->cs, KERNEL_CS);
}

static void check_disabled(void)
{
	struct pt_regs regs = start();

	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~(u64)EFER_SCE);
	check_trap("SYSCALL without EFER.SCE", run_user(&regs), UD, 0, (void *)USER_CODE);
	check_fault("SYSRET without EFER.SCE", UD, 0, sysret_there);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
}

void check_syscalls(void)
{
	map(USER_CODE, frames[0], PTE_U);
	map(USER_STACK - PAGE_SIZE, frames[1], PTE_W | PTE_U | PTE_NX);
	memcpy(frames[0], user_syscall, user_syscall_end - user_syscall);
	idt[RETURNED] = make_gate(RETURNED, GATE_INTERRUPT | GATE_USER, 0);
	wrmsr(MSR_SFMASK, MASK);
	check_in();
	check_selectors();
	check_back();
	check_disabled();
	idt[RETURNED] = make_gate(RETURNED, GATE_INTERRUPT, 0);
}
