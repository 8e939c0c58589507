/* SPDX-License-Identifier: MIT */
/*
 * The doors about mapped memory. They are called by malloc, at any time: an
 * address that is not ours goes to libc after a load or two.
 */
#include "door.h"
#include "object/object_map.h"

EXPORT void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	struct file *f = flags & MAP_ANONYMOUS ? NULL : fdtab_get(fd);

	if (__builtin_expect(f && f->ofd, 0))
		return TIMED(mmap, f, 0, (void *)OBJECT_RESULT(object_mmap(f, addr, len, prot, flags, fd, off)));
	if (__builtin_expect((flags & MAP_FIXED) && map_near(addr, len), 0))
		return (void *)OBJECT_RESULT(map_fixed(addr, len, prot, flags, fd, off));
	if (__builtin_expect(!f, 1))
		return REAL(mmap)(addr, len, prot, flags, fd, off);
	return TIMED(mmap, f, 0, REAL(mmap)(addr, len, prot, flags, fd, off));
}

TWIN_OF(mmap64, mmap)

EXPORT int munmap(void *addr, size_t len)
{
	if (__builtin_expect(!map_near(addr, len), 1))
		return REAL(munmap)(addr, len);
	return (int)OBJECT_RESULT(map_unmap(addr, len));
}

EXPORT void *mremap(void *addr, size_t len, size_t new_len, int flags, ...)
{
	void *new_addr = NULL;
	va_list ap;

	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
		va_start(ap, flags);
		new_addr = va_arg(ap, void *);
		va_end(ap);
	}
	if (__builtin_expect(!map_near(addr, len ? len : 1) &&
			     (!(flags & MREMAP_FIXED) || !map_near(new_addr, new_len)), 1))
		return REAL(mremap)(addr, len, new_len, flags, new_addr);
	return (void *)OBJECT_RESULT(map_move(addr, len, new_len, flags, new_addr));
}

EXPORT int msync(void *addr, size_t len, int flags)
{
	if (__builtin_expect(!map_near(addr, len), 1))
		return REAL(msync)(addr, len, flags);
	return (int)OBJECT_RESULT(map_sync(addr, len, flags));
}

/* Whether stores are to be allowed where they must be found: 1, or 0 with errno. */
static int may(void *addr, size_t len, int prot)
{
	if (__builtin_expect(!(prot & PROT_WRITE) || !map_near(addr, len), 1))
		return 1;
	return OBJECT_RESULT(map_writable(addr, len)) == 0;
}

EXPORT int mprotect(void *addr, size_t len, int prot)
{
	return may(addr, len, prot) ? REAL(mprotect)(addr, len, prot) : -1;
}

EXPORT int pkey_mprotect(void *addr, size_t len, int prot, int key)
{
	return may(addr, len, prot) ? REAL(pkey_mprotect)(addr, len, prot, key) : -1;
}

/* Obsolete, and the kernel would move pages of the image. */
EXPORT int remap_file_pages(void *addr, size_t len, int prot, size_t page, int flags)
{
	if (__builtin_expect(map_near(addr, len) && map_has(addr, len), 0)) {
		errno = EINVAL;
		return -1;
	}
	return REAL(remap_file_pages)(addr, len, prot, page, flags);
}
