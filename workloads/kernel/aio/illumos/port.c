/* Event ports: where results wait for a thread that reaps them (port_create, port_getn). */
#include "illumos.h"

#include "../../arch/usercopy.h"
#include "../../core/slab.h"
#include "../../sys/errno.h"

/* What the user gets of an event. */
struct port_event {
	u64 portev_object, portev_user;
};

static struct kmem_cache port_cache = KMEM_CACHE(struct port);
static struct port *ports[PORTS_MAX];
static atomic_t nr_ports;

struct port *port_of(u64 number)
{
	struct port *port = number < PORTS_MAX ? READ_ONCE(ports[number]) : NULL;

	return port && port->port_process == current->process ? port : NULL;
}

long sys_port_create(void)
{
	int number = atomic_add_return(1, &nr_ports) - 1;
	struct port *port;

	if (number >= PORTS_MAX)
		return -EAGAIN;
	port = kmem_cache_alloc(&port_cache);
	mutex_init(&port->portq_mutex);
	INIT_LIST_HEAD(&port->portq_list);
	port->portq_nent = 0;
	cv_init(&port->portq_cv);
	port->port_process = current->process;
	WRITE_ONCE(ports[number], port);
	return number;
}

/* 1.2 */
void port_send_event(struct port *port, struct port_kevent *event)
{
	mutex_enter(&port->portq_mutex);
	list_add_tail(&event->portkev_list, &port->portq_list);
	port->portq_nent++;
	event->portkev_flags |= PORT_KEV_DONEQ;
	cv_signal(&port->portq_cv);
	mutex_exit(&port->portq_mutex);
}

/* Moves up to `max` events to the private list; waits while there are fewer than `wanted`. */
static long take_events(struct port *port, struct list_head *list, u64 max, u64 wanted)
{
	u64 taken = 0;

	mutex_enter(&port->portq_mutex);
	while (port->portq_nent < wanted) {
		if (cv_wait(&port->portq_cv, &port->portq_mutex))
			continue;
		mutex_exit(&port->portq_mutex);
		return -EINTR;
	}
	while (taken < max && port->portq_nent) {
		struct list_head *first = port->portq_list.next;

		list_del(first);
		list_add_tail(first, list);
		port->portq_nent--;
		taken++;
	}
	mutex_exit(&port->portq_mutex);
	return taken;
}

/* The number of events put at `events`. */
long sys_port_getn(u64 number, u64 events, u64 max, u64 wanted)
{
	struct port_event __user *to = (struct port_event *)events;
	struct port *port = port_of(number);
	struct list_head list, *at, *following;
	long taken, error = 0;

	if (!port || !max || wanted > max)
		return -EINVAL;
	INIT_LIST_HEAD(&list);
	taken = take_events(port, &list, max, wanted);
	list_for_each_safe(at, following, &list) {
		struct port_kevent *event = list_entry(at, struct port_kevent, portkev_list);
		struct port_event user = { event->portkev_object, event->portkev_user };

		event->portkev_callback(aio_of(port->port_process), event->portkev_arg);
		if (!error)
			error = copy_to_user(to++, &user, sizeof(user));
		port_kevent_free(event);
	}
	return error ? error : taken;
}
