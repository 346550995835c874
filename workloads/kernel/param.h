/* Limits: the only home of them. Reaching one is an error to the caller or a panic that says so. */
#ifndef PARAM_H
#define PARAM_H

#define CPUS_MAX 64
#define TASKS_MAX 512
#define FILES_MAX 256	    /* open files of a process                                  */
#define KIOCTX_MAX 256	    /* AIO contexts of the machine                              */
#define AIO_EVENTS_MAX 4096 /* ring slots of one context                                */
#define AIO_SUBMIT_MAX 1024 /* iocbs of one io_submit                                   */
#define DISKS_MAX 60	    /* controllers that the machine may have                     */
#define FS_FILES_MAX 256     /* files of the file system                                 */
#define FUTEX_BUCKETS 64
#define SLAB_CACHES_MAX 64   /* types of objects                                        */
#define CMDLINE_MAX 2048
#define ARGS_MAX 64	     /* arguments of the user program                             */
#define E820_MAX 128	     /* memory map entries in boot_params                         */
#define DATA_FILE_PAGES 16   /* length of /data                                           */
#define KSTACK_PAGES 4	     /* kernel stack of a task                                    */
#define USTACK_PAGES 64	     /* stack of a process's first thread                         */
#define AP_START_SPINS 50000000 /* polls for a parked CPU to appear                       */
#define UART_SPINS 1000000   /* polls for the transmitter to take a byte                  */

#endif
