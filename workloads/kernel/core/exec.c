/*
 * Loads a static ELF64 program (ELF-64 Object File Format, "Program Loading") and builds its
 * first stack as System V's ABI wants it: argc, argv, NULL, environment, NULL, auxiliary vector.
 * The environment is what stood on the boot command line before "--", so a program finds seed=...
 * there.
 */
#include "exec.h"

#include "../arch/x86.h"
#include "../boot/params.h"
#include "../fs/file.h"
#include "mm.h"
#include "page.h"
#include "panic.h"
#include "string.h"

#define PT_LOAD 1
#define PF_W 2
#define ET_EXEC 2
#define EM_X86_64 62
#define DEFAULT_NAME "init"

struct elf_header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct program_header {
	u32 type, flags;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};

/* Writes to a process's memory page by page, mapping pages that are not there. */
static void poke(struct mm *mm, u64 lin, const void *from, u64 bytes, bool writable)
{
	const u8 *source = from;

	while (bytes) {
		u64 offset = lin % PAGE_SIZE;
		u64 part = PAGE_SIZE - offset < bytes ? PAGE_SIZE - offset : bytes;
		u8 *to = mm_find(mm, lin);

		if (!to) {
			to = page_alloc(1);
			mm_map_page(mm, lin - offset, to, writable);
			to += offset;
		}
		if (source) {
			memcpy(to, source, part);
			source += part;
		}
		lin += part;
		bytes -= part;
	}
}

static void load_segment(struct mm *mm, const u8 *image, u64 size,
			 const struct program_header *header)
{
	bool writable = header->flags & PF_W;

	if (header->filesz > header->memsz || header->offset > size ||
	    header->filesz > size - header->offset || header->vaddr >= USER_MMAP_BASE ||
	    header->memsz > USER_MMAP_BASE - header->vaddr)
		panic("program: segment at %lx does not fit", header->vaddr);
	poke(mm, header->vaddr, image + header->offset, header->filesz, writable);
	poke(mm, header->vaddr + header->filesz, NULL, header->memsz - header->filesz, writable);
}

static u64 load(struct mm *mm, const u8 *image, u64 size)
{
	const struct elf_header *elf = (const void *)image;
	const struct program_header *header;

	if (size < sizeof(*elf) || memcmp(elf->ident, "\177ELF\2\1", 6) != 0 ||
	    elf->type != ET_EXEC || elf->machine != EM_X86_64 ||
	    elf->phoff + (u64)elf->phnum * sizeof(*header) > size)
		panic("the ramdisk is no static ELF64 program for x86-64");
	header = (const void *)(image + elf->phoff);
	for (u32 i = 0; i < elf->phnum; i++)
		if (header[i].type == PT_LOAD)
			load_segment(mm, image, size, &header[i]);
	return elf->entry;
}

/* Copies a string below *sp and returns its address. */
static u64 push_string(struct mm *mm, u64 *sp, const char *text)
{
	u64 bytes = strlen(text) + 1;

	*sp -= bytes;
	poke(mm, *sp, text, bytes, true);
	return *sp;
}

/* The stack pointer that the program starts with. */
static u64 build_stack(struct mm *mm)
{
	static u64 words[2 * ARGS_MAX + 6];
	u64 sp = USER_STACK_TOP;
	u32 count = 1;

	poke(mm, USER_STACK_TOP - USTACK_PAGES * PAGE_SIZE, NULL, USTACK_PAGES * PAGE_SIZE, true);
	if (boot_info.arg_count == 0)
		words[count++] = push_string(mm, &sp, DEFAULT_NAME);
	for (u32 i = 0; i < boot_info.arg_count; i++)
		words[count++] = push_string(mm, &sp, boot_info.arg[i]);
	words[0] = count - 1;
	words[count++] = 0;
	for (u32 i = 0; i < boot_info.param_count; i++)
		words[count++] = push_string(mm, &sp, boot_info.param[i]);
	words[count++] = 0;
	words[count++] = 0; /* AT_NULL */
	words[count++] = 0;

	sp = (sp - count * sizeof(u64)) & ~15ul;
	poke(mm, sp, words, count * sizeof(u64), true);
	return sp;
}

struct task *exec(const void *image, u64 size)
{
	struct process *process = process_create();
	struct pt_regs regs = { 0 };
	const char *name = boot_info.arg_count ? boot_info.arg[0] : DEFAULT_NAME;
	struct task *task;

	regs.rip = load(&process->mm, image, size);
	regs.rsp = build_stack(&process->mm);
	regs.cs = USER_CS;
	regs.ss = USER_DS;
	regs.rflags = EFLAGS_IF | EFLAGS_FIXED;
	open_console(process);
	task = task_create(process, &regs, name);
	if (!task)
		panic("more than %d tasks", TASKS_MAX);
	return task;
}
