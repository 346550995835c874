/* Final states and how often each was seen: a hash table of fixed size, read by the host. */
#include "harness.h"

#define WORDS (1 << 20)

u64 histogram[WORDS];
static u64 slots_mask, states_max;

void histogram_init(void)
{
	u64 slots = 1;

	result.entry_words = job->observed + 1;
	while (2 * slots * result.entry_words <= WORDS)
		slots *= 2;
	slots_mask = slots - 1;
	states_max = slots / 4 * 3;
}

static u64 observe(const struct job_observed *what)
{
	u64 value = what->memory ? 0 : final_registers[what->thread][what->reg];

	switch (what->size) {
	case 1:
		return what->memory ? *(const volatile u8 *)what->address : (u8)value;
	case 2:
		return what->memory ? *(const volatile u16 *)what->address : (u16)value;
	case 4:
		return what->memory ? *(const volatile u32 *)what->address : (u32)value;
	default:
		return what->memory ? *(const volatile u64 *)what->address : value;
	}
}

bool histogram_count(void)
{
	static u64 values[OBSERVED_MAX];
	u64 hash = 0;

	for (u32 i = 0; i < job->observed; i++) {
		values[i] = observe(&job_observed[i]);
		hash = mix(hash + values[i] + i);
	}
	for (u64 slot = hash & slots_mask;; slot = (slot + 1) & slots_mask) {
		u64 *entry = &histogram[slot * result.entry_words];
		u32 i = 0;

		if (!entry[0]) {
			if (result.states == states_max)
				return false;
			result.states++;
			for (; i < job->observed; i++)
				entry[1 + i] = values[i];
		}
		while (i < job->observed && entry[1 + i] == values[i])
			i++;
		if (i < job->observed)
			continue;
		entry[0]++;
		result.runs++;
		return true;
	}
}
