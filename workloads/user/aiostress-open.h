/* The files and disks of aio-stress. */
#ifndef AIOSTRESS_OPEN_H
#define AIOSTRESS_OPEN_H

#include "aiostress-errors.h"

#define O_DIRECT 0x4000

/* A file without holes: zeros, whose generation is 0. Its bad sectors stay what they are. */
static int open_file(u32 number)
{
	static u8 zeros[PAGE_SECTORS * SECTOR] LINE_ALIGNED;
	char path[] = "/fs/00";
	int cached;

	path[4] += number / 10;
	path[5] += number % 10;
	cached = sys_open(path);
	if (cached < 0)
		die("aiostress: %s: error %d (fs=1 makes a file system)\n", path, -cached);
	for (u32 sector = 0; sector < region_sectors; sector += PAGE_SECTORS) {
		long wrote = sys_pwrite(cached, zeros, sizeof(zeros), (u64)sector * SECTOR);

		check_answer(number, true, sector, PAGE_SECTORS, wrote != sizeof(zeros), false);
	}
	return number % 2 ? cached : sys_open_flags(path, O_DIRECT);
}

static int open_disk(u32 number)
{
	char path[] = "/dev/vd00", *digit = path + 7;
	int fd;

	if (number >= 10)
		*digit++ = '0' + number / 10;
	*digit++ = '0' + number % 10;
	*digit = 0;
	fd = sys_open(path);
	if (fd < 0)
		die("aiostress: %s: error %d\n", path, -fd);
	return fd;
}

#endif
