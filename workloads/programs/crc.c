/* Checksums: CRC-16, CRC-32 and CRC-64 bit by bit and by table, Adler-32, Fletcher-16. */
#include "programs.h"

static u32 crc32_table[256];

static void make_table(void)
{
	for (u32 i = 0; i < 256; i++) {
		u32 crc = i;

		for (u32 bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
		crc32_table[i] = crc;
	}
}

static u32 crc32_by_table(const u8 *data, size_t bytes)
{
	u32 crc = ~0u;

	while (bytes--)
		crc = crc >> 8 ^ crc32_table[(u8)(crc ^ *data++)];
	return ~crc;
}

static u32 crc32_by_bit(const u8 *data, size_t bytes)
{
	u32 crc = ~0u;

	while (bytes--) {
		crc ^= *data++;
		for (u32 bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
	}
	return ~crc;
}

static u16 crc16_ccitt(const u8 *data, size_t bytes)
{
	u16 crc = 0xffff;

	while (bytes--) {
		crc ^= (u16)(*data++ << 8);
		for (u32 bit = 0; bit < 8; bit++)
			crc = crc & 0x8000 ? (u16)(crc << 1) ^ 0x1021 : (u16)(crc << 1);
	}
	return crc;
}

static u64 crc64_xz(const u8 *data, size_t bytes)
{
	u64 crc = ~0ul;

	while (bytes--) {
		crc ^= *data++;
		for (u32 bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xc96c5795d7870f42 : 0);
	}
	return ~crc;
}

static u32 adler32(const u8 *data, size_t bytes)
{
	u32 a = 1, b = 0;

	while (bytes--) {
		a = (a + *data++) % 65521;
		b = (b + a) % 65521;
	}
	return b << 16 | a;
}

static u16 fletcher16(const u8 *data, size_t bytes)
{
	u8 a = 0, b = 0;

	while (bytes--) {
		a = (a + *data++) % 255;
		b = (b + a) % 255;
	}
	return b << 8 | a;
}

static void report(const char *name, const u8 *data, size_t bytes)
{
	out("%s crc32 %08x %08x crc16 %04x crc64 %016lx adler %08x fletcher %04x\n", name,
	    crc32_by_table(data, bytes), crc32_by_bit(data, bytes), crc16_ccitt(data, bytes),
	    crc64_xz(data, bytes), adler32(data, bytes), fletcher16(data, bytes));
}

void program_crc(void)
{
	u8 block[512];
	u64 state = 7;

	make_table();
	/* The check values of the catalogues: cbf43926, 29b1, 995dc9bbdf1939fa. */
	report("check", (const u8 *)"123456789", 9);
	report("empty", block, 0);
	for (u32 i = 0; i < sizeof(block); i++)
		block[i] = next_random(&state) >> 40;
	report("random", block, sizeof(block));
	memset(block, 0xff, sizeof(block));
	report("ones", block, sizeof(block));
}
