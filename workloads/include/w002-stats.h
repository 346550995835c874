/*
 * What w002 counts, for the host: the symbol `w002_stats` of the program, one entry for each file.
 *
 *     0 | submitted | 8 events | 16 full | 24 eio | 32 other | 40 wrong | 48 stage | 56 state | 64
 */
#ifndef W002_STATS_H
#define W002_STATS_H

#define W002_FILES_MAX 8

/* Values of `state`. */
#define W002_WORKS 1
#define W002_DESTROYS 2 /* all events that will come have come: io_destroy */
#define W002_ENDED 3

struct w002_stats {
	unsigned long submitted; /* requests that io_submit took, or synchronous calls */
	unsigned long events;	 /* answers to them */
	unsigned long full;	 /* of those, the whole record */
	unsigned long eio;	 /* -EIO */
	unsigned long other;	 /* anything else */
	unsigned long wrong;	 /* sectors that are not what a successful write wrote */
	unsigned long stage;
	unsigned long state;
};

#endif
