/* Sorting: insertion, quick, heap, merge and radix sort, by value, by function, and stably. */
#include "programs.h"

#define COUNT 200

static u32 input[COUNT], work[COUNT], spare[COUNT];

static void insertion_sort(u32 *a, u32 count)
{
	for (u32 i = 1; i < count; i++) {
		u32 value = a[i], at = i;

		for (; at && a[at - 1] > value; at--)
			a[at] = a[at - 1];
		a[at] = value;
	}
}

static void swap(u32 *a, u32 *b)
{
	u32 t = *a;

	*a = *b;
	*b = t;
}

static void quick_sort(u32 *a, s32 low, s32 high)
{
	while (low < high) {
		u32 pivot = a[low + (high - low) / 2];
		s32 i = low, j = high;

		while (i <= j) {
			while (a[i] < pivot)
				i++;
			while (a[j] > pivot)
				j--;
			if (i <= j)
				swap(&a[i++], &a[j--]);
		}
		if (j - low < high - i) {
			quick_sort(a, low, j);
			low = i;
		} else {
			quick_sort(a, i, high);
			high = j;
		}
	}
}

static void sift(u32 *a, u32 root, u32 count)
{
	for (;;) {
		u32 child = 2 * root + 1;

		if (child >= count)
			return;
		if (child + 1 < count && a[child + 1] > a[child])
			child++;
		if (a[root] >= a[child])
			return;
		swap(&a[root], &a[child]);
		root = child;
	}
}

static void heap_sort(u32 *a, u32 count)
{
	for (u32 i = count / 2; i--;)
		sift(a, i, count);
	while (count > 1) {
		swap(&a[0], &a[--count]);
		sift(a, 0, count);
	}
}

static void merge_sort(u32 *a, u32 count, bool (*before)(u32, u32))
{
	u32 half = count / 2, i = 0, j = half, k = 0;

	if (count < 2)
		return;
	merge_sort(a, half, before);
	merge_sort(a + half, count - half, before);
	while (i < half && j < count)
		spare[k++] = before(a[j], a[i]) ? a[j++] : a[i++];
	while (i < half)
		spare[k++] = a[i++];
	memcpy(a, spare, k * sizeof(*a));
}

static void radix_sort(u32 *a, u32 count)
{
	for (u32 shift = 0; shift < 32; shift += 8) {
		u16 first[257] = { 0 };

		for (u32 i = 0; i < count; i++)
			first[(u8)(a[i] >> shift) + 1]++;
		for (u32 i = 0; i < 256; i++)
			first[i + 1] += first[i];
		for (u32 i = 0; i < count; i++)
			spare[first[(u8)(a[i] >> shift)]++] = a[i];
		memcpy(a, spare, count * sizeof(*a));
	}
}

static bool smaller(u32 a, u32 b)
{
	return a < b;
}

static bool smaller_signed(u32 a, u32 b)
{
	return (s32)a < (s32)b;
}

static bool smaller_low_digit(u32 a, u32 b)
{
	return a % 10 < b % 10;
}

static void report(const char *name)
{
	u64 sum = 0;

	for (u32 i = 0; i < COUNT; i++)
		sum = sum * 1000003 + work[i];
	out("%s %08x %08x %08x sum %016lx\n", name, work[0], work[COUNT / 2], work[COUNT - 1], sum);
	memcpy(work, input, sizeof(work));
}

void program_sort(void)
{
	u64 state = 12345;

	for (u32 i = 0; i < COUNT; i++)
		input[i] = next_random(&state) >> (i % 3 ? 32 : 50);
	memcpy(work, input, sizeof(work));
	insertion_sort(work, COUNT);
	report("insertion");
	quick_sort(work, 0, COUNT - 1);
	report("quick");
	heap_sort(work, COUNT);
	report("heap");
	radix_sort(work, COUNT);
	report("radix");
	merge_sort(work, COUNT, smaller);
	report("merge");
	merge_sort(work, COUNT, smaller_signed);
	report("signed");
	merge_sort(work, COUNT, smaller_low_digit);
	report("stable");
}
