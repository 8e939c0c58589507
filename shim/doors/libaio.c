/* SPDX-License-Identifier: MIT */
/*
 * libaio's functions and the system calls they are. Without rules, and for
 * contexts that were made past us, they are the kernel's. libaio returns -errno
 * and leaves errno alone; each has its versions (libaio.map).
 */
#include <sys/syscall.h>

#include "door.h"
#include "aio/io_context.h"
#include "libaio.h"
#include "files/mount.h"
#include "base/user.h"

/* The value of expr, a call on the context `id`, timed; `native` if that is none of ours. */
#define ON_CONTEXT(name, id, ours, native) ({                                 \
	struct io_context *c = io_context_enter(id);                          \
	long v_;                                                              \
	if (c) {                                                              \
		uint64_t t0_ = stats_begin();                                 \
		v_ = (ours);                                                  \
		end_call(CALL_##name, c, t0_, v_);                            \
		io_context_leave(c);                                          \
	} else {                                                              \
		v_ = (native);                                                \
	}                                                                     \
	v_; })

static void end_call(enum call call, const struct io_context *c, uint64_t t0, long r)
{
	struct mount *m = c->mount;

	if (t0 && m)
		stats_end(call, m->id, STATS_NO_FILE, t0, 0, 0, r < 0 ? (int)-r : 0);
}

static long kernel(long n, long a, long b, long c, long d)
{
	int saved = errno;
	long r = REAL(syscall)(n, a, b, c, d);

	r = r < 0 ? -errno : r;
	errno = saved;
	return r;
}

#define L(x) ((long)(x))

EXPORT int io_setup(int n, aio_context_t *id)
{
	return mounts_count ? io_context_make((unsigned)n, id) : (int)kernel(SYS_io_setup, n, L(id), 0, 0);
}

EXPORT int io_destroy(aio_context_t id)
{
	int r = io_context_destroy(id);

	return r == -EINVAL ? (int)kernel(SYS_io_destroy, L(id), 0, 0, 0) : r;
}

EXPORT int io_submit(aio_context_t id, long n, struct iocb **list)
{
	return (int)ON_CONTEXT(io_submit, id, io_context_submit(c, n, list), kernel(SYS_io_submit, L(id), n, L(list), 0));
}

EXPORT int io_getevents(aio_context_t id, long min, long n, struct io_event *events, struct timespec *timeout)
{
	return (int)ON_CONTEXT(io_getevents, id, io_context_get(c, min, n, events, timeout, NULL),
			       io_kernel_get(id, min, n, events, timeout, NULL));
}

static long get_masked(aio_context_t id, long min, long n, struct io_event *events, struct timespec *timeout,
		       const struct io_sigset *mask)
{
	return ON_CONTEXT(io_pgetevents, id, io_context_get(c, min, n, events, timeout, mask),
			  io_kernel_get(id, min, n, events, timeout, mask));
}

EXPORT int io_pgetevents(aio_context_t id, long min, long n, struct io_event *events, struct timespec *timeout,
			 sigset_t *mask)
{
	struct io_sigset set = { mask, _NSIG / 8 };

	return (int)get_masked(id, min, n, events, timeout, mask ? &set : NULL);
}

long io_pgetevents_packed(aio_context_t id, long min, long n, struct io_event *events,
			  struct timespec *timeout, const void *packed)
{
	struct io_sigset set = { NULL, 0 };

	if (packed && user_get(&set, packed, sizeof(set)) < 0)
		return -EFAULT;
	return get_masked(id, min, n, events, timeout, packed ? &set : NULL);
}

EXPORT int io_cancel(aio_context_t id, struct iocb *cb, struct io_event *event)
{
	return (int)ON_CONTEXT(io_cancel, id, io_context_cancel(c, cb, event),
			       kernel(SYS_io_cancel, L(id), L(cb), L(event), 0));
}

EXPORT int io_queue_init(int n, aio_context_t *id)
{
	if (n <= 0)
		return -EINVAL;
	*id = 0;
	return io_setup(n, id);
}

EXPORT int io_queue_release(aio_context_t id)
{
	return io_destroy(id);
}

typedef void callback(aio_context_t id, struct iocb *cb, long res, long res2);

EXPORT int io_queue_run(aio_context_t id)
{
	struct timespec now = { 0, 0 };
	struct io_event e;
	int r;

	while ((r = io_getevents(id, 0, 1, &e, &now)) == 1)
		((callback *)(uintptr_t)e.data)(id, (struct iocb *)(uintptr_t)e.obj, (long)e.res, (long)e.res2);
	return r;
}

EXPORT int io_queue_wait(aio_context_t id, struct timespec *timeout)
{
	return io_getevents(id, 0, 0, NULL, timeout);
}

/* What older programs import: without `min`, and without an event. */
EXPORT int io_getevents_0_1(aio_context_t id, long n, struct io_event *events, const struct timespec *timeout);
EXPORT int io_cancel_0_1(aio_context_t id, struct iocb *cb);
EXPORT int io_queue_wait_0_1(aio_context_t id, struct timespec *timeout);
__asm__(".symver io_getevents_0_1, io_getevents@LIBAIO_0.1, remove\n\t"
	".symver io_cancel_0_1, io_cancel@LIBAIO_0.1, remove\n\t"
	".symver io_queue_wait_0_1, io_queue_wait@LIBAIO_0.1, remove");

EXPORT int io_getevents_0_1(aio_context_t id, long n, struct io_event *events, const struct timespec *timeout)
{
	return io_getevents(id, 1, n, events, (struct timespec *)timeout);
}

EXPORT int io_cancel_0_1(aio_context_t id, struct iocb *cb)
{
	struct io_event event;

	return io_cancel(id, cb, &event);
}

EXPORT int io_queue_wait_0_1(aio_context_t id, struct timespec *timeout)
{
	return io_queue_wait(id, timeout);
}
