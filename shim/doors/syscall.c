/* SPDX-License-Identifier: MIT */
/* syscall(2): the same calls by number; see syscalls.def. */
#include <string.h>
#include <sys/syscall.h>

#include "dirs.h"
#include "door.h"
#include "files/guard.h"
#include "libaio.h"
#include "object/object_map.h"
#include "base/user.h"

/* posix_fadvise returns its error; the system call sets errno. */
static long by_error(int error)
{
	return ret_errno(-error);
}

/* The system call returns a length where libc returns the buffer. */
static long getcwd_length(char *buf, size_t n)
{
	if (!mounts_redirect)
		return REAL(syscall)(SYS_getcwd, buf, n);
	return getcwd(buf, n) ? (long)strlen(buf) + 1 : -1;
}

/* The system call's last argument is a mask and its size. */
static long pselect_packed(int n, fd_set *in, fd_set *out, fd_set *ex, struct timespec *t, const void *packed)
{
	struct { const sigset_t *mask; size_t size; } given = { 0 };

	if (!objects_on || (packed && user_get(&given, packed, sizeof(given)) < 0))
		return REAL(syscall)(SYS_pselect6, n, in, out, ex, t, packed);
	return pselect(n, in, out, ex, t, given.mask);
}

/* Masks and actions set past libc still decide whether we may copy. */
static long signals_by_number(long n, long a, long b, long c, long d)
{
	long r = REAL(syscall)(n, a, b, c, d);

	guard_mask_changed();
	return r;
}

/*
 * Another library's mmap may be this system call (tcmalloc's), and the doors of
 * the name end in theirs: here only what concerns our files is more than that.
 */
static long mmap_by_number(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	struct file *f = flags & MAP_ANONYMOUS ? NULL : fdtab_get(fd);

	if (f && f->ofd)
		return OBJECT_RESULT(object_mmap(f, addr, len, prot, flags, fd, off));
	if ((flags & MAP_FIXED) && map_near(addr, len))
		return OBJECT_RESULT(map_fixed(addr, len, prot, flags, fd, off));
	return REAL(syscall)(SYS_mmap, addr, len, prot, flags, fd, off);
}

static long mremap_by_number(void *addr, size_t len, size_t new_len, int flags, void *new_addr)
{
	int near = map_near(addr, len ? len : 1) || ((flags & MREMAP_FIXED) && map_near(new_addr, new_len));

	return near ? OBJECT_RESULT(map_move(addr, len, new_len, flags, new_addr)) :
		      REAL(syscall)(SYS_mremap, addr, len, new_len, flags, new_addr);
}

#define BY_NUMBER REAL(syscall)(n, a, b, c, d, e, f)

/* Likewise, for addresses that may be one of our mappings'. */
#define IF_NEAR(call) (map_near((void *)a, (size_t)b) ? OBJECT_RESULT(call) : BY_NUMBER)

/* mprotect, which is the kernel's after all. */
#define WRITABLE (!(c & PROT_WRITE) || !map_near((void *)a, (size_t)b) ||    \
		  OBJECT_RESULT(map_writable((void *)a, (size_t)b)) == 0 ? BY_NUMBER : -1)

EXPORT long syscall(long n, ...)
{
	long a, b, c, d, e, f;
	va_list ap;

	va_start(ap, n);
	a = va_arg(ap, long);
	b = va_arg(ap, long);
	c = va_arg(ap, long);
	d = va_arg(ap, long);
	e = va_arg(ap, long);
	f = va_arg(ap, long);
	va_end(ap);
	switch (n) {
#define SYS(name, call) case SYS_##name: return call;
#define NEW(name) case SYS_##name:
#include "syscalls.def"
		return door_fresh((int)REAL(syscall)(n, a, b, c, d, e, f));
	case SYS_rt_sigprocmask:
		return signals_by_number(n, a, b, c, d);
	}
	return REAL(syscall)(n, a, b, c, d, e, f);
}
