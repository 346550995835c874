/* The four fields are taken under aio_mutex, the user's memory is written outside. */
#define AIO_PORT_CALLBACK aio_port_callback__f1
#define AIO_BEFORE_MUTEX() NOTHING()
#define AIO_BEFORE_FREE() TAKE_RESULT()
#define AIO_FREE() FREE()
#define AIO_AFTER_FREE() NOTHING()
#define AIO_AFTER_MUTEX() COPYOUT_TAKEN()
#include "callback.h"
