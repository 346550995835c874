/* Disks read through a cache. */
#ifndef BUFFERED_H
#define BUFFERED_H

#include "file.h"

struct gendisk;
struct disk_cache;

extern const struct file_operations buffered_operations;

void buffered_init(void);

/* One for each disk, made at its first use. */
struct disk_cache *disk_cache_of(struct gendisk *disk);

#endif
