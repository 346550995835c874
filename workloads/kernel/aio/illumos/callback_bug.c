/* As it was before illumos 7863 was mended. */
#define AIO_PORT_CALLBACK aio_port_callback__bug
#define AIO_BEFORE_MUTEX() NOTHING()
#define AIO_BEFORE_FREE() NOTHING()
#define AIO_FREE() FREE()
#define AIO_AFTER_FREE() NOTHING()
#define AIO_AFTER_MUTEX() COPYOUT()
#include "callback.h"
