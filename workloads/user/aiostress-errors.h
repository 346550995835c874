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

static bool is_cached(u32 disk)
{
	return disk < files && disk % 2;
}

/* A write of a part of a page reads it, and a page that has a bad sector fails as one. */
static void check_range(const struct bad *one)
{
	if (!one->reads && !one->writes)
		die("aiostress: bad=: r, w or rw between the colons\n");
	if (is_cached(one->disk) && (!one->reads || !one->writes || one->first % PAGE_SECTORS ||
				     (one->last + 1) % PAGE_SECTORS))
		die("aiostress: bad=%u: through the page cache: whole pages, rw\n", one->disk);
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
		check_range(one);
		if (!took(&at, ','))
			break;
	}
	for (at = option_string("pulled", ""); *at; took(&at, ',')) {
		u32 disk = take_number(&at);

		if (disk >= DISKS_MAX)
			die("aiostress: pulled=%u: there is no such disk\n", disk);
		if (is_cached(disk))
			die("aiostress: pulled=%u: what is in the page cache is read anyway\n",
			    disk);
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
 * The sectors that were read or written, by the answer. Through the page cache that may be what
 * comes before the first bad page; any other count is an error of the kernel.
 */
static u32 sectors_done(u32 disk, bool write, u32 sector, u32 sectors, s64 result)
{
	u32 good = good_before(disk, disk < files, write, sector, sectors);

	if (result == -EIO)
		return 0;
	if (result != sectors * SECTOR &&
	    !(is_cached(disk) && good && good < sectors && result == good * SECTOR))
		die("aiostress: disk %u: a %s of %u sectors at %u: %ld\n", disk,
		    write ? "write" : "read", sectors, sector, result);
	return result / SECTOR;
}

#endif
