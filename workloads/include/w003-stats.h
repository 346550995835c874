/*
 * What w003 counts, for the host: the symbol `w003_stats` of the program.
 *
 *     0 | submitted | 8 events | 16 full | 24 other | 32 handles | 40 ended | 48 eio | 56
 */
#ifndef W003_STATS_H
#define W003_STATS_H

struct w003_stats {
	unsigned long submitted; /* by all writers */
	unsigned long events;
	unsigned long full;    /* of those, the whole write */
	unsigned long other;
	unsigned long handles; /* calls of the other tasks that need a handle */
	unsigned long ended;   /* writers that have done their rounds */
	unsigned long eio;     /* of the other answers, -EIO */
};

#endif
