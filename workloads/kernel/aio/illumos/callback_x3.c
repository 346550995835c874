/* Wrong: 1.7 under aio_mutex, but in a second round, after 1.5. */
#define AIO_PORT_CALLBACK aio_port_callback__x3
#define AIO_BEFORE_MUTEX() NOTHING()
#define AIO_BEFORE_FREE() NOTHING()
#define AIO_FREE() FREE()
#define AIO_AFTER_FREE() NOTHING()
#define AIO_AFTER_MUTEX() AGAIN_COPYOUT()
#include "callback.h"
