/* Types, and the few macros that every file uses. */
#ifndef TYPES_H
#define TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../memlayout.h"
#include "../param.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define noinline __attribute__((noinline))
#define noreturn __attribute__((noreturn))
#define __always_inline inline __attribute__((always_inline))
#define __cacheline_aligned __attribute__((aligned(CACHE_LINE)))
#define __user /* an address that a user program chose: only usercopy.h may follow it */

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, to) (((x) + (to) - 1) / (to) * (to))
#define PAGE_ALIGN(x) (((x) + PAGE_SIZE - 1) & ~(u64)(PAGE_SIZE - 1))

/* One machine access, in program order with other volatile ones. */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/* Kernel address of a physical one and back. */
static inline void *phys_to_virt(u64 phys)
{
	return (void *)(phys + KERNEL_BASE);
}

static inline u64 virt_to_phys(const void *virt)
{
	return (u64)virt - KERNEL_BASE;
}

#endif
