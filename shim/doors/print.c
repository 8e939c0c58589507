/* SPDX-License-Identifier: MIT */
/* The doors that print to a descriptor, or to a stream nobody named. */
#include <stdlib.h>
#include <wchar.h>

#include "door.h"

/*
 * libc leaves stderr's orientation alone if it can open a stream to read and
 * write on a duplicate of its descriptor, which a placeholder always allows.
 */
EXPORT void perror(const char *text)
{
	int saved = errno;
	struct file *f = object_of(fileno(stderr));

	if (f && (object_fcntl(f, fileno(stderr), F_GETFL, NULL) & O_ACCMODE) != O_RDWR)
		fwide(stderr, -1);
	errno = saved;
	REAL(perror)(text);
}

/* All of it to a file of ours: libc's of today writes without a stream. */
static int print_object(int fd, char *text, int n)
{
	ssize_t r = 0;

	for (int done = 0; done < n && r >= 0; done += (int)r)
		r = write(fd, text + done, (size_t)(n - done));
	free(text);
	return r < 0 ? -1 : n;
}

EXPORT int vdprintf(int fd, const char *fmt, va_list ap)
{
	char *text;
	int n;

	if (!object_of(fd))
		return REAL(vdprintf)(fd, fmt, ap);
	n = vasprintf(&text, fmt, ap);
	return n < 0 ? n : print_object(fd, text, n);
}

EXPORT int __vdprintf_chk(int fd, int flag, const char *fmt, va_list ap)
{
	char *text;
	int n;

	if (!object_of(fd))
		return REAL(__vdprintf_chk)(fd, flag, fmt, ap);
	n = __vasprintf_chk(&text, flag, fmt, ap);
	return n < 0 ? n : print_object(fd, text, n);
}

EXPORT int dprintf(int fd, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vdprintf(fd, fmt, ap);
	va_end(ap);
	return r;
}

EXPORT int __dprintf_chk(int fd, int flag, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = __vdprintf_chk(fd, flag, fmt, ap);
	va_end(ap);
	return r;
}
