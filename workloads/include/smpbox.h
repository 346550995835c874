/*
 * Marks: what a guest program tells the emulator without disturbing its own timing. A mark is the
 * plain eight-byte NOP 0F 1F 84 00 disp32 (SDM Vol. 2B, "NOP"); silicon ignores the displacement,
 * the emulator reads it: 5B000000H | kind << 16 | id. No register, flag or memory changes, and the
 * store buffer keeps its contents, which a port access or CPUID would drain.
 *
 * Each mark also leaves a record in the section .smpbox.marks, which is not loaded: the host
 * reads it from the file to name the labels.
 *
 *     0 | address u64 | 8 | disp u32 | 12 | 0 u32 | 16 | name char[16], zero padded | 32
 */
#ifndef SMPBOX_H
#define SMPBOX_H

#include "smpbox-labels.h"

#define SMPBOX_MARK_TAG 0x5b000000
#define SMPBOX_KIND_LABEL 1
#define SMPBOX_KIND_POINT 2

/*
 * The mark as assembly text, so that it can stand in one asm statement with the access that it
 * names: the compiler cannot put another memory access between them. It needs the operand [mark]
 * "i"(displacement).
 */
#define SMPBOX_MARK_TEXT(name)                                                                     \
	"771:	.byte 0x0f, 0x1f, 0x84, 0x00\n"                                                    \
	"	.long %c[mark]\n"                                                                  \
	"	.pushsection .smpbox.marks, \"\", @progbits\n"                                     \
	"	.quad 771b\n"                                                                      \
	"	.long %c[mark], 0\n"                                                               \
	"772:	.asciz \"" #name "\"\n"                                                            \
	"	.zero 16 - (. - 772b)\n"                                                           \
	"	.popsection\n"

#define SMPBOX_LABEL_OPERAND(name)                                                                 \
	[mark] "i"(SMPBOX_MARK_TAG | SMPBOX_KIND_LABEL << 16 | SMPBOX_LABEL_##name)
#define SMPBOX_POINT_OPERAND(name)                                                                 \
	[mark] "i"(SMPBOX_MARK_TAG | SMPBOX_KIND_POINT << 16 | SMPBOX_POINT_##name)

/* Names the next memory access of this CPU. Prefer the *_labelled macros below: they leave no
 * gap. */
#define MARK_LABEL(name)                                                                           \
	asm volatile(SMPBOX_MARK_TEXT(name) : : SMPBOX_LABEL_OPERAND(name) : "memory")

/* Names this point of the program. */
#define MARK_POINT(name)                                                                           \
	asm volatile(SMPBOX_MARK_TEXT(name) : : SMPBOX_POINT_OPERAND(name) : "memory")

/*
 * Where a program sleeps until *state is 0, in memory, with all its own stores there too. Only the
 * explore engine waits here; on every other engine, and on silicon, it is a NOP.
 */
#define SMPBOX_SLEEP_UNTIL_RUNNING(state)                                                          \
	asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00\n"                                              \
		     "	.long 0x5b030000\n"                                                        \
		     :                                                                             \
		     : "a"(state)                                                                  \
		     : "memory")

/* One machine store of `value` to `place` (4 or 8 bytes), named. */
#define store_labelled(name, place, value)                                                         \
	do {                                                                                       \
		__typeof__((place) + 0) value_ = (value);                                          \
		asm volatile(SMPBOX_MARK_TEXT(name) "	mov %[from], %[to]\n"                      \
			     : [to] "=m"(place)                                                    \
			     : [from] "r"(value_), SMPBOX_LABEL_OPERAND(name)                      \
			     : "memory");                                                          \
	} while (0)

/* One machine load of `place` (4 or 8 bytes), named. */
#define load_labelled(name, place)                                                                 \
	({                                                                                         \
		__typeof__((place) + 0) value_;                                                    \
		asm volatile(SMPBOX_MARK_TEXT(name) "	mov %[from], %[to]\n"                      \
			     : [to] "=r"(value_)                                                   \
			     : [from] "m"(place), SMPBOX_LABEL_OPERAND(name)                       \
			     : "memory");                                                          \
		value_;                                                                            \
	})

/* XCHG with memory (4 or 8 bytes), named: stores `value`, gives the old one, and is a full fence.
 * */
#define xchg_labelled(name, place, value)                                                          \
	({                                                                                         \
		__typeof__((place) + 0) value_ = (value);                                          \
		asm volatile(SMPBOX_MARK_TEXT(name) "	xchg %[new], %[to]\n"                      \
			     : [to] "+m"(place), [new] "+r"(value_)                                \
			     : SMPBOX_LABEL_OPERAND(name)                                          \
			     : "memory");                                                          \
		value_;                                                                            \
	})

/* A locked read of `place` (4 or 8 bytes), named: it adds nothing, and is a full fence. */
#define load_locked_labelled(name, place)                                                          \
	({                                                                                         \
		__typeof__((place) + 0) value_ = 0;                                                \
		asm volatile(SMPBOX_MARK_TEXT(name) "	lock xadd %[old], %[to]\n"                 \
			     : [to] "+m"(place), [old] "+r"(value_)                                \
			     : SMPBOX_LABEL_OPERAND(name)                                          \
			     : "memory", "cc");                                                    \
		value_;                                                                            \
	})

/* Adds `amount` to `place` (4 or 8 bytes) by a locked access, named; gives the old value. */
#define add_locked_labelled(name, place, amount)                                                   \
	({                                                                                         \
		__typeof__((place) + 0) value_ = (amount);                                         \
		asm volatile(SMPBOX_MARK_TEXT(name) "	lock xadd %[old], %[to]\n"                 \
			     : [to] "+m"(place), [old] "+r"(value_)                                \
			     : SMPBOX_LABEL_OPERAND(name)                                          \
			     : "memory", "cc");                                                    \
		value_;                                                                            \
	})

/* Sets bit `bit` (a constant) of `place` (8 bytes) by a locked access, named; gives the old bit. */
#define test_and_set_labelled(name, place, bit)                                                    \
	({                                                                                         \
		unsigned char old_;                                                                \
		asm volatile(SMPBOX_MARK_TEXT(name) "	lock btsq %[at], %[to]\n"                  \
			     "	setc %[old]\n"                                                     \
			     : [to] "+m"(place), [old] "=qm"(old_)                                 \
			     : [at] "i"(bit), SMPBOX_LABEL_OPERAND(name)                           \
			     : "memory", "cc");                                                    \
		old_;                                                                              \
	})

/* Takes one off `place` (4 bytes) by a locked decrement, named: a full fence. */
#define dec_locked_labelled(name, place)                                                           \
	asm volatile(SMPBOX_MARK_TEXT(name) "	lock decl %[to]\n"                                 \
		     : [to] "+m"(place)                                                            \
		     : SMPBOX_LABEL_OPERAND(name)                                                  \
		     : "memory", "cc")

/*
 * Sites: where `smpbox barriers` may put a barrier before the program starts. A barrier site is an
 * eight-byte NOP, room for every kind; a store site is one plain MOV to memory, which may become
 * XCHG (the two differ in one byte). Code that is inlined several times has a place for each
 * copy; sites of one name are patched together. The record, in a section that is not loaded:
 *
 *     0 | address u64 | 8 | bytes u32 | 12 | kind u32 | 16 | name char[32], zero padded | 48
 *
 * In a name =, , and * are refused: they are what `smpbox barriers` separates names by.
 */
#define SMPBOX_SITE_BARRIER 0
#define SMPBOX_SITE_STORE 1
#define SMPBOX_SITE_NAME(name)                                                                     \
	_Static_assert(sizeof(name) <= 32, "the name of a site has at most 31 characters")

#define SMPBOX_SITE_RECORD(name, kind)                                                             \
	"	.pushsection .smpbox.barriers, \"\", @progbits\n"                                  \
	"	.quad 773b\n"                                                                      \
	"	.long 774b - 773b, " #kind "\n"                                                    \
	"775:	.ascii " #name "\n"                                                                \
	"	.zero 32 - (. - 775b)\n"                                                           \
	"	.popsection\n"
#define SMPBOX_SITE_RECORD_OF(name, kind) SMPBOX_SITE_RECORD(name, kind)

/* Nothing, unless patched: MFENCE, SFENCE, LFENCE, LOCK ADD to the stack, or XCHG of R11 with the
 * word below the red zone. To the compiler it is a barrier always. */
#define barrier_site(name)                                                                         \
	do {                                                                                       \
		SMPBOX_SITE_NAME(name);                                                            \
		asm volatile("773:	.byte 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0\n774:\n" /* NOP */   \
			     SMPBOX_SITE_RECORD_OF(name, SMPBOX_SITE_BARRIER)                      \
			     :                                                                     \
			     :                                                                     \
			     : "memory", "cc", "r11");                                             \
	} while (0)

/* One machine store of `value` to `place` (4 or 8 bytes): plain, or XCHG if patched. */
#define store_site(name, place, value)                                                             \
	do {                                                                                       \
		SMPBOX_SITE_NAME(name);                                                            \
		_Static_assert(sizeof(place) == 4 || sizeof(place) == 8,                           \
			       "store_site() stores 4 or 8 bytes");                                \
		__typeof__((place) + 0) value_ = (value);                                          \
		asm volatile("773:	mov %[new], %[to]\n774:\n"                                 \
			     SMPBOX_SITE_RECORD_OF(name, SMPBOX_SITE_STORE)                        \
			     : [to] "+m"(place), [new] "+r"(value_)                                \
			     :                                                                     \
			     : "memory");                                                          \
	} while (0)

#endif
