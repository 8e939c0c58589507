/* SPDX-License-Identifier: MIT */
/* The door of ioctl. */
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "door.h"
#include "object/object_ioctl.h"

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	struct file *f = fdtab_get(fd);
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (__builtin_expect(f && f->ofd, 0))
		return TIMED(ioctl, f, 0, (int)OBJECT_RESULT(object_ioctl(f, fd, request, arg)));
	if (request == FICLONE && object_of((int)(intptr_t)arg)) {
		errno = EXDEV;
		return -1;
	}
	return f ? TIMED(ioctl, f, 0, REAL(ioctl)(fd, request, arg)) : REAL(ioctl)(fd, request, arg);
}
