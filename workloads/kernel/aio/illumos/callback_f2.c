/* 1.7 before aio_mutex is taken: the request is off aio_portq and not yet free. */
#define AIO_PORT_CALLBACK aio_port_callback__f2
#define AIO_BEFORE_MUTEX() COPYOUT()
#define AIO_BEFORE_FREE() NOTHING()
#define AIO_FREE() FREE()
#define AIO_AFTER_FREE() NOTHING()
#define AIO_AFTER_MUTEX() NOTHING()
#include "callback.h"
