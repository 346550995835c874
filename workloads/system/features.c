/*
 * CPUID is honest: what it lists works, what it does not list is #UD, or does what the opcode
 * did before. (SDM Vol. 2A, "CPUID"; the instructions' own pages.)
 */
#include "system.h"

struct leaf {
	u32 a, b, c, d;
};

static struct leaf ask(u32 leaf, u32 subleaf)
{
	struct leaf l;

	asm volatile("cpuid"
		     : "=a"(l.a), "=b"(l.b), "=c"(l.c), "=d"(l.d)
		     : "a"(leaf), "c"(subleaf));
	return l;
}

PROBE(movaps, "", "movaps %xmm0, %xmm1", "");
PROBE(fninit, "", "fninit", "");
PROBE(emms, "", "emms", "");
PROBE(fxsave, "", "fxsave (%rdi)", "");
PROBE(xgetbv, "xor %ecx, %ecx", "xgetbv", "");
PROBE(monitor, "mov %rdi, %rax\n xor %ecx, %ecx\n xor %edx, %edx", "monitor", "");
PROBE(rdrand, "", "rdrand %rax", "");
PROBE(rdseed, "", "rdseed %rax", "");
PROBE(rdpid, "", "rdpid %rax", "");
PROBE(movbe, "", "movbe (%rdi), %rax", "");
PROBE(andn, "mov $0xf0, %eax", "andn %rdi, %rax, %rax", "");
PROBE(pdep, "mov $0xf0f0, %eax", "pdep %rax, %rdi, %rax", "");
PROBE(adcx, "xor %eax, %eax", "adcx %rdi, %rax", "");
PROBE(crc32, "xor %eax, %eax", "crc32q %rdi, %rax", "");
PROBE(lzcnt, "", "lzcnt %rdi, %rax", "");
PROBE(tzcnt, "", "tzcnt %rdi, %rax", "");
PROBE(popcnt, "", "popcnt %rdi, %rax", "");
PROBE(clflush, "", "clflush (%rdi)", "");
PROBE(invpcid, "xor %eax, %eax", "invpcid (%rdi), %rax", "");
PROBE(vmcall, "", "vmcall", "");
PROBE(serialize, "", ".byte 0x0f, 0x01, 0xe8", "");
PROBE(prefetchw, "", "prefetchw (%rdi)", "mov (%rdi), %rax");
PROBE(lahf, "cmp %eax, %eax\n stc", "lahf", "movzbl %ah, %eax");

static u64 operand[64] __attribute__((aligned(64)));

/* #UD unless the feature is listed. */
static void check_listed(const char *name, bool listed, probe_fn fn, u64 argument)
{
	u64 vector = probe(fn, argument, 0, 0);

	check(name, listed ? vector == NO_FAULT : vector == UD);
}

static void check_scans(bool has_lzcnt, bool has_tzcnt)
{
	/* Without the feature the prefix is ignored, and BSR and BSF remain. */
	check_runs("F3 0F BD", has_lzcnt ? 47 : 16, lzcnt, 0x10000);
	check_runs("F3 0F BC", 16, tzcnt, 0x10000);
	if (has_lzcnt)
		check_runs("LZCNT of 0", 64, lzcnt);
	if (has_tzcnt)
		check_runs("TZCNT of 0", 64, tzcnt);
}

static void check_leaves(void)
{
	struct leaf basic = ask(0, 0), beyond = ask(0x80000000, 0), unknown;

	check("leaf 0 has a vendor", basic.a >= 1 && basic.b && basic.c && basic.d);
	check("leaf 80000000H", beyond.a >= 0x80000008);
	unknown = ask(0x40000010, 0);
	check("an unknown leaf is not the last one's",
	      !(unknown.a | unknown.b | unknown.c | unknown.d) || basic.a >= 0x40000010);
	check_equal("leaf 80000008H: 48 linear bits", ask(0x80000008, 0).a >> 8 & 0xff, 48);
	check("leaf 15H gives the rate of the TSC",
	      ask(0x15, 0).a && ask(0x15, 0).b && ask(0x15, 0).c);
	check_equal("leaf 1 and leaf BH have one APIC ID", ask(1, 0).b >> 24, ask(11, 0).d);
	asm volatile("cpuid" : "=a"(unknown.a), "=b"(unknown.b), "=c"(unknown.c), "=d"(unknown.d)
		     : "a"(0xffffffff00000000), "c"(0));
	check_equal("only EAX chooses the leaf", unknown.b, basic.b);
}

void check_features(void)
{
	struct leaf one = ask(1, 0), seven = ask(7, 0), extended = ask(0x80000001, 0);
	bool leaf7 = ask(0, 0).a >= 7;
	u64 mask;

	check_leaves();
	check_listed("FPU", one.d & 1, fninit, 0);
	check_listed("MMX", one.d >> 23 & 1, emms, 0);
	check_listed("FXSR", one.d >> 24 & 1, fxsave, (u64)operand);
	check_listed("SSE", one.d >> 25 & 1, movaps, 0);
	check_listed("CLFSH", one.d >> 19 & 1, clflush, (u64)operand);
	check_listed("MONITOR", one.c >> 3 & 1, monitor, (u64)operand);
	check_listed("SSE4.2", one.c >> 20 & 1, crc32, 5);
	check_listed("MOVBE", one.c >> 22 & 1, movbe, (u64)operand);
	check_listed("POPCNT", one.c >> 23 & 1, popcnt, 5);
	check_listed("OSXSAVE", one.c >> 27 & 1, xgetbv, 0);
	check_listed("RDRAND", one.c >> 30 & 1, rdrand, 0);
	check_listed("BMI1", leaf7 && seven.b >> 3 & 1, andn, 5);
	check_listed("BMI2", leaf7 && seven.b >> 8 & 1, pdep, 5);
	check_listed("INVPCID", leaf7 && seven.b >> 10 & 1, invpcid, (u64)operand);
	check_listed("RDSEED", leaf7 && seven.b >> 18 & 1, rdseed, 0);
	check_listed("ADX", leaf7 && seven.b >> 19 & 1, adcx, 5);
	check_listed("RDPID", leaf7 && seven.c >> 22 & 1, rdpid, 0);
	check_listed("SERIALIZE", leaf7 && seven.d >> 14 & 1, serialize, 0);
	check_listed("VMX", false, vmcall, 0);
	check_scans(extended.c >> 5 & 1, leaf7 && seven.b >> 3 & 1);
	if (one.c >> 23 & 1)
		check_runs("POPCNT", 12, popcnt, 0xf0f0f);
	check_runs("LAHF", 0x47, lahf);
	check_equal("PREFETCHW is listed", extended.c >> 8 & 1, 1);
	operand[0] = 9;
	check_runs("PREFETCHW", 9, prefetchw, (u64)operand);

	mask = 1ul << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 9 | 1 << 13 | 1 << 15;
	check_equal("PSE TSC MSR PAE CX8 APIC PGE CMOV", one.d & mask, mask);
	mask = 1ul << 13 | 1 << 21 | 1 << 24;
	check_equal("CX16 x2APIC TSC-deadline", one.c & mask, mask);
	mask = 1ul << 11 | 1 << 20 | 1 << 26 | 1 << 27 | 1 << 29;
	check_equal("SYSCALL NX 1-GByte pages RDTSCP long mode", extended.d & mask, mask);
}
