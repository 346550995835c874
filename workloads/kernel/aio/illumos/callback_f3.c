/* Freed in a second round of the mutex, after 1.7. */
#define AIO_PORT_CALLBACK aio_port_callback__f3
#define AIO_BEFORE_MUTEX() NOTHING()
#define AIO_BEFORE_FREE() NOTHING()
#define AIO_FREE() NOTHING()
#define AIO_AFTER_FREE() NOTHING()
#define AIO_AFTER_MUTEX() COPYOUT_THEN_FREE()
#include "callback.h"
