/* Wrong: 1.7 under aio_portq_mutex, which a submitter does not take. */
#define AIO_PORT_CALLBACK aio_port_callback__x2
#define AIO_BEFORE_MUTEX() NOTHING()
#define AIO_BEFORE_FREE() NOTHING()
#define AIO_FREE() FREE()
#define AIO_AFTER_FREE() NOTHING()
#define AIO_AFTER_MUTEX() PORTQ_COPYOUT()
#include "callback.h"
