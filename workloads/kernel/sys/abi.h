/* System call numbers and flags, Linux's for x86-64. */
#ifndef ABI_H
#define ABI_H

#define NR_read 0
#define NR_write 1
#define NR_open 2
#define NR_close 3
#define NR_mmap 9
#define NR_pread64 17
#define NR_pwrite64 18
#define NR_sched_yield 24
#define NR_pause 34
#define NR_getpid 39
#define NR_clone 56
#define NR_exit 60
#define NR_ftruncate 77
#define NR_prctl 157
#define NR_sync 162
#define NR_gettid 186
#define NR_futex 202
#define NR_sched_setaffinity 203
#define NR_sched_getaffinity 204
#define NR_io_setup 206
#define NR_io_destroy 207
#define NR_io_getevents 208
#define NR_io_submit 209
#define NR_io_cancel 210
#define NR_getdents64 217
#define NR_exit_group 231
#define NR_openat 257
#define NR_getcpu 309
/* illumos has these; the numbers are ours, behind Linux's. */
#define NR_aiorw 400 /* write, fd, buffer, bytes, offset, { resultp, port or -1, user } */
#define NR_port_create 401
#define NR_port_getn 402 /* port, events, max, wanted */
#define NR_aiowait 403
#define NR_SYSCALLS 404

#define CLONE_VM 0x00000100
#define CLONE_THREAD 0x00010000

#define MAP_PRIVATE 0x02
#define MAP_ANONYMOUS 0x20

#define PR_SET_NAME 15

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_PRIVATE_FLAG 128

#endif
