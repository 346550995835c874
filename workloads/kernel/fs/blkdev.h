/* Disks as files. */
#ifndef BLKDEV_H
#define BLKDEV_H

#include "file.h"

extern const struct file_operations raw_operations;

void blkdev_init(void); /* after the disks are found */

#endif
