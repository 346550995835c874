/* Error numbers, Linux's. */
#ifndef ERRNO_H
#define ERRNO_H

#define ENOENT 2
#define ESRCH 3
#define EINTR 4
#define EIO 5
#define EBADF 9
#define EAGAIN 11
#define ENOMEM 12
#define EFAULT 14
#define ENOTBLK 15 /* inside the kernel: a direct write came to a hole */
#define EBUSY 16
#define EEXIST 17
#define EINVAL 22
#define EMFILE 24
#define ENOSPC 28
#define ENAMETOOLONG 36
#define ENOSYS 38
#define EIOCBRETRY 530  /* inside the kernel: it waits, and will be tried again */
#define EIOCBQUEUED 529 /* inside the kernel: the completion will be reported later */

#endif
