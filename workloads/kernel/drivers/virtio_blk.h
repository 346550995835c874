/* The disk controllers. */
#ifndef VIRTIO_BLK_H
#define VIRTIO_BLK_H

void virtblk_init(void);

#endif
