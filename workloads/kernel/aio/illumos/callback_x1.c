/* Wrong: fences before 1.5, after it and after 1.6. It is not a question of order. */
#define AIO_PORT_CALLBACK aio_port_callback__x1
#define AIO_BEFORE_MUTEX() NOTHING()
#define AIO_BEFORE_FREE() smp_mb()
#define AIO_FREE() FREE()
#define AIO_AFTER_FREE() smp_mb()
#define AIO_AFTER_MUTEX() FENCE_COPYOUT()
#include "callback.h"
