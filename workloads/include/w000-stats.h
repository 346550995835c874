/*
 * What w000 found, for the host: the symbol `w000_stats` of the program.
 *
 *     0 | completions | 8 wrong | 16 zero | 24 other_size | 32 first_return | 40 first_errno |
 *    48 | first_wanted | 56 first_thread | 64
 */
#ifndef W000_STATS_H
#define W000_STATS_H

struct w000_stats {
	unsigned long completions;
	unsigned long wrong;	  /* no error, and another count than asked for */
	unsigned long zero;	  /* of those, 0 bytes */
	unsigned long other_size; /* of those, the size of some other request */
	long first_return;
	long first_errno;
	unsigned long first_wanted;
	unsigned long first_thread;
};

#endif
