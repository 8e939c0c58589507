/* SPDX-License-Identifier: MIT */
/*
 * Contexts of io_setup under random schedules (../libaio_schedules.h), with files
 * whose reads go to the queue and with files that are done at once. What the
 * sanitizers say is half of the test. SCHEDULES=1000 for more of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/syscall.h>

#include "aio/aio_queue.h"
#include "files/fdtab.h"
#include "aio/io_context.h"
#include "aio/io_resfd.h"

static struct mount rule = { .be = &be_posix };

#define IN_CONTEXT(c, expr) ({                                                \
	struct io_context *c_ = io_context_enter(c);                          \
	long r_ = c_ ? (expr) : -EINVAL;                                      \
	if (c_)                                                               \
		io_context_leave(c_);                                         \
	r_; })

static long sys_setup(unsigned n, aio_context_t *c)
{
	return io_context_make(n, c);
}

static long sys_destroy(aio_context_t c)
{
	return io_context_destroy(c);
}

static long sys_submit(aio_context_t c, long n, struct iocb **list)
{
	return IN_CONTEXT(c, io_context_submit(c_, n, list));
}

static long sys_get(aio_context_t c, long min, long n, struct io_event *e, struct timespec *t)
{
	return IN_CONTEXT(c, io_context_get(c_, min, n, e, t, NULL));
}

static long sys_cancel(aio_context_t c, struct iocb *cb, struct io_event *e)
{
	return IN_CONTEXT(c, io_context_cancel(c_, cb, e));
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDWR);
	struct file *f = fdtab_new();

	f->mount = &rule;
	f->flags = O_RDWR;
	fdtab_set(fd, f);
	return fd;
}

static void close_file(int fd)
{
	aio_drain((unsigned)fd, (unsigned)fd);
	fdtab_set(fd, NULL);
	/* while other threads use it, which close() would tell the sanitizer */
	syscall(SYS_close, (long)fd);
}

#include "../libaio_schedules.h"

static char path[] = "/tmp/shim-test-libaio.XXXXXX";

static void schedules(void **flags)
{
	const char *n = getenv("SCHEDULES");

	rule.flags = (unsigned)(uintptr_t)*flags;
	for (unsigned long i = 0; i < (n ? strtoul(n, NULL, 0) : 60); i++) {
		run_schedule(i, path);
		io_resfd_forget(0, ~0U);
	}
	assert_int_equal(aio_in_flight, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(schedules, (void *)BE_AIO_RING),
		cmocka_unit_test_prestate(schedules, (void *)BE_AIO_NOW),
		cmocka_unit_test_prestate(schedules, NULL),
	};
	int fd = mkstemp(path), r;

	close(fd);
	fdtab_own();
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return r;
}
