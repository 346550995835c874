/*
 * What aio-stress is told of the errors that are injected, so that it can tell each request's
 * right answer: bad=DISK:rw:FIRST-LAST,... in sectors of what it reads and writes (DISK * for all
 * disks that are no files; r, w or rw), and pulled=DISK,..., drives that go away at some time.
 */
#ifndef AIOSTRESS_ERRORS_H
#define AIOSTRESS_ERRORS_H

#define BAD_MAX 16
#define ALL_DISKS (~0u)

static struct bad {
	u32 disk;
	bool reads, writes;
	u32 first, last;
} bad[BAD_MAX];
static u32 nr_bad;

/* A drive that may go, and from its first unexpected error on, is gone. */
static bool may_go[DISKS_MAX], is_gone[DISKS_MAX];

static u32 take_number(const char **at)
{
	u32 value = 0;

	if (**at < '0' || **at > '9')
		die("aiostress: a number is missing at \"%s\"\n", *at);
	while (**at >= '0' && **at <= '9')
		value = value * 10 + (*(*at)++ - '0');
	return value;
}

static void take(const char **at, char wanted)
{
	if (**at != wanted)
		die("aiostress: %c is missing at \"%s\"\n", wanted, *at);
	(*at)++;
}

static bool took(const char **at, char wanted)
{
	if (**at != wanted)
		return false;
	(*at)++;
	return true;
}

static void read_errors(void)
{
	const char *at = option_string("bad", "");

	while (*at) {
		struct bad *one = &bad[nr_bad++];

		if (nr_bad > BAD_MAX)
			die("aiostress: bad=: at most %u ranges\n", BAD_MAX);
		one->disk = took(&at, '*') ? ALL_DISKS : take_number(&at);
		take(&at, ':');
		one->reads = took(&at, 'r');
		one->writes = took(&at, 'w');
		take(&at, ':');
		one->first = take_number(&at);
		take(&at, '-');
		one->last = take_number(&at);
		if (!took(&at, ','))
			break;
	}
	for (at = option_string("pulled", ""); *at; took(&at, ',')) {
		u32 disk = take_number(&at);

		if (disk >= DISKS_MAX)
			die("aiostress: pulled=%u: there is no such disk\n", disk);
		may_go[disk] = true;
	}
}

/* Of these sectors, how many come before the first bad one. */
static u32 good_before(u32 disk, bool is_file, bool write, u32 first, u32 count)
{
	u32 good = count;

	for (u32 i = 0; i < nr_bad; i++) {
		const struct bad *one = &bad[i];
		bool here = one->disk == disk || (one->disk == ALL_DISKS && !is_file);
		u32 begin = one->first > first ? one->first - first : 0;

		if (here && (write ? one->writes : one->reads) && first <= one->last &&
		    begin < good)
			good = begin;
	}
	return good;
}

/* An error is right where one was injected, and on a drive that has been pulled. */
static void check_answer(u32 disk, bool write, u32 sector, u32 sectors, bool failed, bool gone)
{
	bool expected = good_before(disk, disk < files, write, sector, sectors) < sectors;
	const char *what = write ? "write" : "read";

	if (failed && !expected && may_go[disk])
		is_gone[disk] = true;
	else if (failed && !expected)
		die("aiostress: disk %u: a %s of %u sectors at %u failed, and none is bad\n", disk,
		    what, sectors, sector);
	if (!failed && (expected || gone))
		die("aiostress: disk %u: a %s of %u sectors at %u succeeded, and %s\n", disk, what,
		    sectors, sector, expected ? "one is bad" : "the drive was gone");
}

/*
 * Through the page cache a request may be answered by what comes before its first bad page; any
 * other count that is not all of it is an error of the kernel, for finish().
 */
static bool has_failed(u32 disk, bool write, u32 sector, u32 sectors, s64 result)
{
	bool is_file = disk < files, cached = is_file && disk % 2;
	u32 good = good_before(disk, is_file, write, sector, sectors);
	u32 end = (sector + good) / PAGE_SECTORS * PAGE_SECTORS;

	if (result == -EIO)
		return true;
	return cached && good < sectors && end > sector && result == (end - sector) * SECTOR;
}

#endif
