/*
 * Runs single instructions on the processor underneath: one state after the other from standard
 * input, the state after it to standard output. The counterpart is silicon.ts, the layout of a
 * state is in state.ts.
 *
 * Code, data and stack are at fixed low addresses, which exist in the emulated machine too. All
 * code around the instruction is INT3, so that wherever it goes, it arrives there and no further.
 * Its segment bases are set for the one instruction only: the C library needs its own.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <ucontext.h>

#define CODE_ADDRESS 0xa00000ul
#define CODE_OFFSET 0x8040
#define DATA_ADDRESS 0xb00000ul
#define DATA_BYTES 512
#define AREA_BYTES 0x10000
#define HWCAP2_FSGSBASE 2
#define INT3 0xcc

struct state {
	uint64_t regs[16];	/* in encoding order */
	uint64_t flags;
	uint64_t rip;		/* out: offset from the instruction */
	uint64_t signal;	/* out: 0 if it completed */
	uint64_t length;	/* in: bytes of the instruction */
	uint64_t fs, gs;	/* segment bases */
	uint8_t code[16];
	uint8_t data[DATA_BYTES];
};

uint64_t live[16];		/* registers on the way in */
uint64_t live_flags, live_fs, live_gs;
uint64_t host_rsp, host_fs;
uint64_t entry;
static struct state s;

void run_live(void);
void leave_signal(void);

asm(".text\n"
    ".globl run_live, leave_signal\n"
    "run_live:\n"
    "	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "	mov %rsp, host_rsp(%rip)\n"
    "	rdfsbase %rax; mov %rax, host_fs(%rip)\n"
    "	mov live_fs(%rip), %rax; wrfsbase %rax\n"
    "	mov live_gs(%rip), %rax; wrgsbase %rax\n"
    "	push live_flags(%rip); popf\n"
    "	mov live+0(%rip), %rax; mov live+8(%rip), %rcx; mov live+16(%rip), %rdx\n"
    "	mov live+24(%rip), %rbx; mov live+40(%rip), %rbp; mov live+48(%rip), %rsi\n"
    "	mov live+56(%rip), %rdi; mov live+64(%rip), %r8; mov live+72(%rip), %r9\n"
    "	mov live+80(%rip), %r10; mov live+88(%rip), %r11; mov live+96(%rip), %r12\n"
    "	mov live+104(%rip), %r13; mov live+112(%rip), %r14; mov live+120(%rip), %r15\n"
    "	mov live+32(%rip), %rsp\n"
    "	jmp *entry(%rip)\n"
    "leave_signal:\n"
    "	cld\n"
    "	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "	ret\n");

/* The order of ucontext's registers, by encoding. */
static const int order[16] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static void on_signal(int number, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	/* AC stays set in a handler, and C may access what is not aligned */
	asm volatile("pushfq; andl $~0x40000, (%%rsp); popfq" : : : "memory", "cc");
	/* the segment bases first: nothing of the C library works without its own */
	asm volatile("rdfsbase %0" : "=r"(s.fs));
	asm volatile("rdgsbase %0" : "=r"(s.gs));
	asm volatile("mov %0, %%fs; mov %0, %%gs; mov %0, %%ds; mov %0, %%es" : : "r"(0));
	asm volatile("wrfsbase %0" : : "r"(host_fs));
	(void)info;
	for (int i = 0; i < 16; i++)
		s.regs[i] = gregs[order[i]];
	s.flags = gregs[REG_EFL];
	s.signal = number;
	s.rip = gregs[REG_RIP] - entry;
	/* the INT3 that it arrived at, if it is not itself one */
	if (number == SIGTRAP && s.rip != 1) {
		s.signal = 0;
		s.rip--;
	}
	gregs[REG_RSP] = host_rsp;
	gregs[REG_RIP] = (greg_t)leave_signal;
	gregs[REG_EFL] &= ~0x44500;	/* TF, DF, NT, AC */
}

static uint8_t *map(uint64_t address)
{
	void *at = mmap((void *)address, AREA_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (at != (void *)address) {
		perror("mmap");
		exit(1);
	}
	return at;
}

int main(void)
{
	static const int numbers[] = { SIGILL, SIGFPE, SIGSEGV, SIGBUS, SIGTRAP };
	static uint8_t alternate[65536];
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	uint8_t *code = map(CODE_ADDRESS);
	uint8_t *data = map(DATA_ADDRESS);
	uint8_t *at = code + CODE_OFFSET;

	if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE)) {
		fprintf(stderr, "the kernel does not let user programs write segment bases\n");
		return 1;
	}
	sigaltstack(&stack, NULL);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
	memset(code, INT3, AREA_BYTES);
	while (fread(&s, sizeof(s), 1, stdin) == 1) {
		memset(at, INT3, 64);
		memcpy(at, s.code, s.length);
		memset(data, 0, 4096);
		memcpy(data, s.data, DATA_BYTES);
		memcpy(live, s.regs, sizeof(live));
		live_flags = s.flags;
		live_fs = s.fs;
		live_gs = s.gs;
		entry = (uint64_t)at;
		run_live();
		memcpy(s.data, data, DATA_BYTES);
		fwrite(&s, sizeof(s), 1, stdout);
	}
	return 0;
}
