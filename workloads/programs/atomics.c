/* The atomic builtins of every width, on one thread: what they return and leave. */
#include "programs.h"

#define ATOMICS(type)                                                                              \
	static NOINLINE u64 atomics_##type(type start)                                             \
	{                                                                                          \
		type place = start, expected = start + 1, value;                                   \
		u64 sum = 0;                                                                       \
		sum = sum * 31 + __atomic_fetch_add(&place, 3, __ATOMIC_SEQ_CST);                  \
		sum = sum * 31 + __atomic_sub_fetch(&place, 5, __ATOMIC_SEQ_CST);                  \
		sum = sum * 31 + __atomic_fetch_or(&place, 0x41, __ATOMIC_SEQ_CST);                \
		sum = sum * 31 + __atomic_and_fetch(&place, 0x7b, __ATOMIC_SEQ_CST);               \
		sum = sum * 31 + __atomic_fetch_xor(&place, 0x55, __ATOMIC_SEQ_CST);               \
		sum = sum * 31 + __atomic_nand_fetch(&place, 0x3c, __ATOMIC_SEQ_CST);              \
		sum = sum * 31 + __atomic_exchange_n(&place, start, __ATOMIC_ACQ_REL);             \
		sum = sum * 2 + __atomic_compare_exchange_n(&place, &expected, 9, false,           \
							    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);   \
		sum = sum * 31 + expected;                                                         \
		sum = sum * 2 + __atomic_compare_exchange_n(&place, &expected, 9, true,            \
							    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);   \
		sum = sum * 31 + place;                                                            \
		__atomic_store_n(&place, start + 2, __ATOMIC_RELEASE);                             \
		value = __atomic_load_n(&place, __ATOMIC_ACQUIRE);                                 \
		__atomic_add_fetch(&place, 1, __ATOMIC_RELAXED);                                   \
		__atomic_fetch_sub(&place, value, __ATOMIC_RELAXED);                               \
		return sum * 31 + value * 3 + place;                                               \
	}
ATOMICS(u8)
ATOMICS(u16)
ATOMICS(u32)
ATOMICS(u64)

/* Flags of locked operations: zero, sign, the bit that was there. */
static NOINLINE u32 decided(s32 start)
{
	s32 place = start;
	u64 bits = 0;
	u32 result = 0;

	result |= (__atomic_sub_fetch(&place, 1, __ATOMIC_SEQ_CST) == 0) << 0;
	result |= (__atomic_add_fetch(&place, 1, __ATOMIC_SEQ_CST) < 0) << 1;
	result |= (__atomic_fetch_or(&bits, 1ul << 40, __ATOMIC_SEQ_CST) >> 40 & 1) << 2;
	result |= (__atomic_fetch_or(&bits, 1ul << 40, __ATOMIC_SEQ_CST) >> 40 & 1) << 3;
	result |= (__atomic_fetch_and(&bits, ~(1ul << 40), __ATOMIC_SEQ_CST) >> 40 & 1) << 4;
	result |= (bits == 0) << 5;
	result |= __atomic_test_and_set(&bits, __ATOMIC_ACQUIRE) << 6;
	result |= __atomic_test_and_set(&bits, __ATOMIC_ACQUIRE) << 7;
	__atomic_clear(&bits, __ATOMIC_RELEASE);
	return result | (bits == 0) << 8;
}

/* A stack without locks, with a counter against reuse in the upper half of the word. */
static struct item {
	u32 next;
} items[32];
static u64 head;

static void push(u32 item)
{
	u64 old = __atomic_load_n(&head, __ATOMIC_RELAXED), new;

	do {
		items[item].next = old;
		new = ((old >> 32) + 1) << 32 | (item + 1);
	} while (!__atomic_compare_exchange_n(&head, &old, new, true, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
}

static u32 pop(void)
{
	u64 old = __atomic_load_n(&head, __ATOMIC_ACQUIRE), new;

	do {
		if (!(u32)old)
			return 0;
		new = ((old >> 32) + 1) << 32 | items[(u32)old - 1].next;
	} while (!__atomic_compare_exchange_n(&head, &old, new, true, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return old;
}

void program_atomics(void)
{
	u32 sum = 0;

	out("%lx %lx\n", atomics_u8(200), atomics_u8(0));
	out("%lx %lx\n", atomics_u16(65534), atomics_u16(77));
	out("%lx %lx\n", atomics_u32(0xfffffffe), atomics_u32(123456));
	out("%lx %lx\n", atomics_u64(0xfffffffffffffffd), atomics_u64(0x123456789));
	out("%x %x %x\n", decided(1), decided(-1), decided(0));
	for (u32 i = 0; i < 32; i++)
		push(i);
	for (u32 i = 0; i < 12; i++)
		sum = sum * 33 + pop();
	for (u32 i = 5; i < 9; i++)
		push(i + 20);
	for (u32 item; (item = pop());)
		sum = sum * 33 + item;
	out("%08x %lx\n", sum, head);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
