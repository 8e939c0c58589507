/* SPDX-License-Identifier: MIT */
/*
 * libaio_stress [-n SCHEDULES] [-s FIRST] FILE: libaio_schedules.h through the
 * system calls by number, every 8th also in a fork child that has them to itself.
 * Prints nothing unless something is wrong.
 */
#include <sys/syscall.h>
#include <linux/aio_abi.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static long result(long r)
{
	return r < 0 ? -errno : r;
}

static long sys_setup(unsigned n, aio_context_t *c)
{
	return result(syscall(SYS_io_setup, (long)n, c));
}

static long sys_destroy(aio_context_t c)
{
	return result(syscall(SYS_io_destroy, c));
}

static long sys_submit(aio_context_t c, long n, struct iocb **list)
{
	return result(syscall(SYS_io_submit, c, n, list));
}

static long sys_get(aio_context_t c, long min, long n, struct io_event *e, struct timespec *t)
{
	return result(syscall(SYS_io_getevents, c, min, n, e, t));
}

static long sys_cancel(aio_context_t c, struct iocb *cb, struct io_event *e)
{
	return result(syscall(SYS_io_cancel, c, cb, e));
}

static int open_file(const char *path)
{
	return open(path, O_RDWR | O_CREAT, 0644);
}

static void close_file(int fd)
{
	close(fd);
}

#include "libaio_schedules.h"

static void in_child(unsigned long number, const char *path)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		run_schedule(number, path);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		wrong("a child", status);
}

int main(int argc, char **argv)
{
	unsigned long n = 100, first = 0;
	int c;

	while ((c = getopt(argc, argv, "n:s:")) != -1) {
		if (c == 'n')
			n = strtoul(optarg, NULL, 0);
		else if (c == 's')
			first = strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	if (!argv[optind])
		return 2;
	for (unsigned long i = first; i < first + n; i++) {
		if (i % 8 == 0)
			in_child(i, argv[optind]);
		run_schedule(i, argv[optind]);
	}
	return 0;
}
