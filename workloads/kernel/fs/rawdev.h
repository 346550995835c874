/* Disks as files. */
#ifndef RAWDEV_H
#define RAWDEV_H

#include "file.h"

extern const struct file_operations raw_operations;

#endif
