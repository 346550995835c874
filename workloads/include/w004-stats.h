/*
 * What w004 counts, for the host: the symbol `w004_stats` of the program.
 *
 *     0 | submitted | 8 events | 16 full | 24 other | 32 wrong | 40
 */
#ifndef W004_STATS_H
#define W004_STATS_H

struct w004_stats {
	unsigned long submitted; /* by all threads */
	unsigned long events;
	unsigned long full;  /* of those, the whole record */
	unsigned long other; /* anything else */
	unsigned long wrong; /* sectors that are not what was written */
};

#endif
