/* The upstream repair: 1.7 before 1.5, still under aio_mutex. */
#define AIO_PORT_CALLBACK aio_port_callback__f0
#define AIO_BEFORE_MUTEX() NOTHING()
#define AIO_BEFORE_FREE() COPYOUT()
#define AIO_FREE() FREE()
#define AIO_AFTER_FREE() NOTHING()
#define AIO_AFTER_MUTEX() NOTHING()
#include "callback.h"
