/*
 * Runs single instructions on the processor underneath: one case after the other from standard
 * input, registers, flags and memory after it to standard output. The counterpart is silicon.ts.
 *
 * Code, data and stack are at fixed low addresses, which exist in the emulated machine too.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define CODE_ADDRESS 0xa00000ul
#define DATA_ADDRESS 0xb00000ul
#define DATA_BYTES 512
#define AREA_BYTES 0x10000

struct state {
	uint64_t regs[16];	/* in encoding order */
	uint64_t flags;
	uint64_t rip;		/* out: offset from the instruction */
	uint64_t signal;	/* out: 0 if it completed */
	uint64_t length;	/* in: bytes of the instruction */
	uint8_t code[16];
	uint8_t data[DATA_BYTES];
};

uint64_t live[16];		/* registers on the way in and out */
uint64_t live_flags;
uint64_t host_rsp;
uint64_t entry;
static volatile uint64_t got_signal, got_rip;

void run_live(void);
void leave_next(void);
void leave_signal(void);

asm(".text\n"
    ".globl run_live, leave_next, leave_signal\n"
    "run_live:\n"
    "	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "	mov %rsp, host_rsp(%rip)\n"
    "	push live_flags(%rip); popf\n"
    "	mov live+0(%rip), %rax; mov live+8(%rip), %rcx; mov live+16(%rip), %rdx\n"
    "	mov live+24(%rip), %rbx; mov live+40(%rip), %rbp; mov live+48(%rip), %rsi\n"
    "	mov live+56(%rip), %rdi; mov live+64(%rip), %r8; mov live+72(%rip), %r9\n"
    "	mov live+80(%rip), %r10; mov live+88(%rip), %r11; mov live+96(%rip), %r12\n"
    "	mov live+104(%rip), %r13; mov live+112(%rip), %r14; mov live+120(%rip), %r15\n"
    "	mov live+32(%rip), %rsp\n"
    "	jmp *entry(%rip)\n"
    "leave_next:\n"
    "	mov %rsp, live+32(%rip)\n"
    "	mov host_rsp(%rip), %rsp\n"
    "	mov %rax, live+0(%rip); mov %rcx, live+8(%rip); mov %rdx, live+16(%rip)\n"
    "	mov %rbx, live+24(%rip); mov %rbp, live+40(%rip); mov %rsi, live+48(%rip)\n"
    "	mov %rdi, live+56(%rip); mov %r8, live+64(%rip); mov %r9, live+72(%rip)\n"
    "	mov %r10, live+80(%rip); mov %r11, live+88(%rip); mov %r12, live+96(%rip)\n"
    "	mov %r13, live+104(%rip); mov %r14, live+112(%rip); mov %r15, live+120(%rip)\n"
    "	pushf; pop live_flags(%rip)\n"
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

	(void)info;
	for (int i = 0; i < 16; i++)
		live[i] = gregs[order[i]];
	live_flags = gregs[REG_EFL];
	got_signal = number;
	got_rip = gregs[REG_RIP];
	gregs[REG_RSP] = host_rsp;
	gregs[REG_RIP] = (greg_t)leave_signal;
	gregs[REG_EFL] &= ~0x40400;	/* DF, AC */
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
	struct state s;
	uint8_t *code = map(CODE_ADDRESS);
	uint8_t *data = map(DATA_ADDRESS);

	sigaltstack(&stack, NULL);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
	while (fread(&s, sizeof(s), 1, stdin) == 1) {
		uint64_t next = (uint64_t)leave_next;
		uint8_t *at = code + 64;

		/* behind the instruction: jmp [rip+0] and the address */
		memset(code, 0xcc, 256);
		memcpy(at, s.code, s.length);
		memcpy(at + s.length, "\xff\x25\0\0\0\0", 6);
		memcpy(at + s.length + 6, &next, 8);
		memcpy(data, s.data, DATA_BYTES);
		memcpy(live, s.regs, sizeof(live));
		live_flags = s.flags;
		entry = (uint64_t)at;
		got_signal = 0;
		got_rip = (uint64_t)at + s.length;
		run_live();
		memcpy(s.regs, live, sizeof(live));
		s.flags = live_flags;
		s.signal = got_signal;
		s.rip = got_rip - (uint64_t)at;
		memcpy(s.data, data, DATA_BYTES);
		fwrite(&s, sizeof(s), 1, stdout);
	}
	return 0;
}
