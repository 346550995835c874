/* Bit fields: signed and unsigned, across storage units, packed, in unions. */
#include "programs.h"

struct mixed {
	u32 a : 3;
	s32 b : 5;
	u32 c : 17;
	u64 d : 40;
	s64 e : 23;
	u8 f : 1;
	u8 : 0;
	s8 g : 7;
};

struct packed {
	u64 a : 13;
	u64 b : 50;
	s64 c : 33;
	u8 d;
	u16 e : 11;
} __attribute__((packed));

union descriptor { /* the first half of a segment descriptor */
	u64 value;
	struct {
		u64 limit_low : 16, base_low : 24, type : 4, system : 1, dpl : 2, present : 1;
		u64 limit_high : 4, available : 1, wide : 1, big : 1, pages : 1, base_high : 8;
	};
};

static NOINLINE void fill(struct mixed *m, u64 seed)
{
	m->a = seed;
	m->b = seed >> 3;
	m->c = seed >> 8;
	m->d = seed * 0x9e3779b97f4a7c15;
	m->e = seed >> 5;
	m->f = seed >> 1;
	m->g = seed >> 2;
}

static NOINLINE s64 total(const struct mixed *m)
{
	return m->a + m->b + m->c + (s64)m->d + m->e + m->f + m->g;
}

static void print_mixed(const struct mixed *m)
{
	out("%u %d %u %lx %ld %u %d\n", m->a, m->b, m->c, (u64)m->d, (s64)m->e, m->f, m->g);
}

static void print_descriptor(union descriptor d)
{
	out("%016lx base %08x limit %05x type %x dpl %u present %u pages %u\n", d.value,
	    (u32)(d.base_low | d.base_high << 24), (u32)(d.limit_low | d.limit_high << 16),
	    (u32)d.type, (u32)d.dpl, (u32)d.present, (u32)d.pages);
}

void program_bitfields(void)
{
	struct mixed m;
	struct packed p;
	union descriptor d = { .value = 0x00cf9a000000ffff };
	u64 state = 17;
	s64 sum = 0;

	memset(&m, 0, sizeof(m));
	memset(&p, 0xff, sizeof(p));
	out("sizes %lu %lu\n", sizeof(m), sizeof(p));
	fill(&m, 0xffffffffffffffff);
	print_mixed(&m);
	fill(&m, 0x0123456789abcdef);
	print_mixed(&m);
	m.a += 6;
	m.b -= 20;
	m.c <<= 3;
	m.d ^= 0xff00ff00ff;
	m.e = -m.e;
	m.f ^= 1;
	m.g *= 3;
	print_mixed(&m);
	out_bytes("mixed", &m, sizeof(m));
	for (u32 i = 0; i < 500; i++) {
		fill(&m, next_random(&state));
		m.e += i;
		sum += total(&m) ^ m.b;
	}
	out("sum %ld\n", sum);

	p.a = 0x1555;
	p.b = 0x2aaaaaaaaaaaa;
	p.c = -0x55555555;
	p.d = 0x77;
	p.e = 0x2bc;
	out_bytes("packed", &p, sizeof(p));
	p.c++;
	p.b--;
	out("%x %lx %ld %x %x\n", (u32)p.a, (u64)p.b, (s64)p.c, p.d, p.e);

	print_descriptor(d);
	d.base_low = 0x345678;
	d.base_high = 0x12;
	d.dpl = 3;
	d.pages = 0;
	print_descriptor(d);
}
