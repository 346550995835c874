/* Hash functions (FNV-1a, djb2, SipHash-2-4) and a hash table with deletion. */
#include "programs.h"

#define SLOTS 128 /* a power of two */

static u64 fnv1a(const char *text)
{
	u64 hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (u8)*text) * 0x100000001b3;
	return hash;
}

static u32 djb2(const char *text)
{
	u32 hash = 5381;

	for (; *text; text++)
		hash = hash * 33 + (u8)*text;
	return hash;
}

static u64 rotate_left(u64 x, u32 count)
{
	return x << count | x >> (64 - count);
}

struct sip {
	u64 v0, v1, v2, v3;
};

static void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate_left(s->v1, 13) ^ s->v0;
	s->v3 = rotate_left(s->v3, 16) ^ s->v2;
	s->v0 = rotate_left(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate_left(s->v1, 17) ^ s->v2;
	s->v3 = rotate_left(s->v3, 21) ^ s->v0;
	s->v2 = rotate_left(s->v2, 32);
}

/* Aumasson and Bernstein, "SipHash: a fast short-input PRF". */
static u64 siphash(u64 k0, u64 k1, const u8 *in, size_t bytes)
{
	struct sip s = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
			 k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573 };
	u64 last = (u64)bytes << 56;

	for (; bytes >= 8; bytes -= 8, in += 8) {
		u64 word;

		memcpy(&word, in, 8);
		s.v3 ^= word;
		sip_round(&s);
		sip_round(&s);
		s.v0 ^= word;
	}
	for (size_t i = 0; i < bytes; i++)
		last |= (u64)in[i] << 8 * i;
	s.v3 ^= last;
	sip_round(&s);
	sip_round(&s);
	s.v0 ^= last;
	s.v2 ^= 0xff;
	for (u32 i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static struct slot {
	u64 key, value;
	bool used;
} table[SLOTS];

static struct slot *find(u64 key)
{
	u32 at = key * 0x9e3779b97f4a7c15 >> 57;

	while (table[at].used && table[at].key != key)
		at = (at + 1) % SLOTS;
	return &table[at];
}

static void insert(u64 key, u64 value)
{
	*find(key) = (struct slot){ key, value, true };
}

/* Linear probing leaves no gap: those behind the freed slot are put in anew. */
static bool erase(u64 key)
{
	struct slot *slot = find(key);

	if (!slot->used)
		return false;
	slot->used = false;
	for (u32 at = (slot - table + 1) % SLOTS; table[at].used; at = (at + 1) % SLOTS) {
		struct slot moved = table[at];

		table[at].used = false;
		insert(moved.key, moved.value);
	}
	return true;
}

void program_hash(void)
{
	static const char *const words[] = { "", "a", "smpbox", "store buffer", "The quick brown" };
	u64 state = 99, sum = 0;
	u32 count = 0, erased = 0;
	u8 message[15];

	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		out("%016lx %08x\n", fnv1a(words[i]), djb2(words[i]));
	for (u32 i = 0; i < sizeof(message); i++)
		message[i] = i;
	/* The paper's test vector. */
	out("sip %016lx\n",
	    siphash(0x0706050403020100, 0x0f0e0d0c0b0a0908, message, sizeof(message)));

	for (u32 i = 0; i < 2000; i++) {
		u64 key = next_random(&state) % 150;

		if (next_random(&state) & 1) {
			erased += erase(key);
		} else if (find(key)->used || count - erased < 100) {
			count += !find(key)->used;
			insert(key, i);
		}
	}
	for (u64 key = 0; key < 150; key++)
		sum = sum * 31 + (find(key)->used ? find(key)->value : key);
	out("table %u inserted %u erased sum %016lx\n", count, erased, sum);
}
