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

/* Is one of these sectors bad? */
static bool must_fail(u32 disk, bool is_file, bool write, u32 first, u32 count)
{
	for (u32 i = 0; i < nr_bad; i++) {
		const struct bad *one = &bad[i];
		bool here = one->disk == disk || (one->disk == ALL_DISKS && !is_file);

		if (here && (write ? one->writes : one->reads) && first <= one->last &&
		    one->first < first + count)
			return true;
	}
	return false;
}

/* An error is right where one was injected, and on a drive that has been pulled. */
static void check_answer(u32 disk, bool write, u32 sector, u32 sectors, bool failed, bool gone)
{
	bool expected = must_fail(disk, disk < files, write, sector, sectors);
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

#endif
