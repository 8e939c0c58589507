/* SPDX-License-Identifier: MIT */
/* Mappings of files without a kernel file; see object_map.h. */
#include "object_map.h"

#include <errno.h>
#include <sys/syscall.h>

#include "files/fdtab.h"
#include "map_end.h"
#include "object.h"
#include "object_pin.h"
#include "base/real.h"

/*
 * The call itself: another library's function of the name, which may have a
 * system call of its own at its end (tcmalloc's), would come back to our doors.
 */
#define KERNEL(name, ...) REAL(syscall)(SYS_##name, __VA_ARGS__)

static int is_shared(int flags)
{
	int type = flags & MAP_TYPE;

	return type == MAP_SHARED || type == MAP_SHARED_VALIDATE;
}

/* Whether stores through it could change the file. */
static int may_write(const struct file *f, int flags)
{
	return is_shared(flags) && (f->ofd->flags & O_ACCMODE) == O_RDWR;
}

/* What the kernel says before it asks the file; it speaks for itself after that. */
static int check(const struct file *f, size_t len, int prot, int flags, off_t off)
{
	int type = flags & MAP_TYPE;

	if (off & (MAP_PAGE - 1))
		return -EINVAL;
	if (f->ofd->flags & O_PATH)
		return -EBADF;
	if (!len)
		return -EINVAL;
	if (!map_page_up(len) || map_page_up(len) > SIZE_MAX / 4)
		return -ENOMEM;
	if (off < 0 || off + (off_t)map_page_up(len) < off)
		return -EOVERFLOW;
	if (!is_shared(flags) && type != MAP_PRIVATE)
		return -EINVAL;
	if (!ofd_reads(f->ofd) || (is_shared(flags) && (prot & PROT_WRITE) && !ofd_writes(f->ofd)))
		return -EACCES;
	return f->ofd->mode == S_IFREG && f->mount->be->object->preadv && fdtab_ours() ? 0 : -ENODEV;
}

int map_unmap(void *addr, size_t len)
{
	struct piece *taken = NULL;
	int r;

	list_lock();
	r = KERNEL(munmap, addr, len) < 0 ? -errno : 0;
	if (r == 0)
		taken = list_take((uintptr_t)addr, map_page_up(len));
	list_unlock();
	map_finish(taken);
	return r;
}

/* ---- new mappings */

/* The kernel's call, and in the same moment what it takes the place of goes, and p is there. */
static ssize_t place(void *addr, size_t len, int prot, int flags, int fd, off_t off, struct piece *p)
{
	struct piece *taken = NULL;
	ssize_t r;
	void *m;

	list_lock();
	m = (void *)KERNEL(mmap, addr, len, prot, flags, fd, off);
	r = m == MAP_FAILED ? -errno : (ssize_t)m;
	if (m != MAP_FAILED) {
		if (flags & MAP_FIXED)
			taken = list_take((uintptr_t)m, map_page_up(len));
		if (p)
			list_activate(p, (uintptr_t)m);
	}
	list_unlock();
	map_finish(taken);
	return r;
}

ssize_t map_fixed(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	return place(addr, len, prot, flags, fd, off, NULL);
}

/* The image of f with the range in it: a descriptor to map. */
static int prepare(struct file *f, off_t off, size_t len, int writable)
{
	struct image im;
	int r;

	f->ofd->mapped = 1;
	r = image_enter(&im, image_of_file(f), 1);
	if (r < 0)
		return r;
	r = image_want(&im, f, off, off + (off_t)map_page_up(len), writable);
	if (r == 0)
		r = image_open(&im, f->ofd->flags);
	image_leave(&im);
	return r;
}

static void forget_piece(struct piece *p)
{
	list_lock();
	list_remove(p);
	list_unlock();
	p->next = NULL;
	map_finish(p);
}

static ssize_t map_file(struct file *f, void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	int writes = may_write(f, flags), image;
	struct piece *p;
	ssize_t r;

	p = list_new(f, fd, off, map_page_up(len), writes);
	if (!p)
		return -ENOMEM;
	p->based = writes && (prot & PROT_WRITE);
	r = image = prepare(f, off, len, p->based);
	if (image >= 0) {
		r = place(addr, len, prot, flags, image, off, p);
		REAL(close)(image);
	}
	if (!p->from)
		forget_piece(p);
	return r;
}

static ssize_t map(struct file *f, void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	int r = check(f, len, prot, flags, off);

	return r < 0 ? r : map_file(f, addr, len, prot, flags, fd, off);
}

ssize_t object_mmap(struct file *f, void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	return PINNED(f, fd, map(f, addr, len, prot, flags, fd, off));
}

/* ---- changes */

int map_has(const void *addr, size_t len)
{
	struct piece at;
	int has;

	has = list_next((uintptr_t)addr, (uintptr_t)addr + len, &at);
	if (has)
		map_let_go(at.h);
	return has;
}

static int make_base(const struct piece *p)
{
	int r = prepare(p->h->f, p->off, p->len, 1);

	if (r < 0)
		return r;
	REAL(close)(r);
	list_based(p->from, p->len);
	return 0;
}

int map_writable(void *addr, size_t len)
{
	int r = 0;

	EACH_PIECE(addr, len, at, if (r == 0 && at.writes && !at.based) r = make_base(&at));
	return r;
}

static int sync_piece(const struct piece *p, int flags)
{
	struct file *f = p->h->f;
	const struct object_ops *ops = f->mount->be->object;
	int r = map_write_back(f, p->off, p->off + (off_t)p->len, 1, 0);

	return r < 0 || !(flags & MS_SYNC) || !ops->sync ? r : ops->sync(f, 1);
}

/* The kernel says what is wrong; what of it is mapped is synced in any case. */
int map_sync(void *addr, size_t len, int flags)
{
	int r = KERNEL(msync, addr, len, flags) < 0 ? -errno : 0, e = 0;

	if (r == 0 || r == -ENOMEM)
		EACH_PIECE(addr, len, at, if (at.writes && e == 0) e = sync_piece(&at, flags));
	return r < 0 ? r : e;
}

/* The piece that begins a growing or moving mapping, as it will be: not placed yet. */
static struct piece *successor(uintptr_t addr, size_t len)
{
	struct piece at, *p = NULL;

	if (!list_next(addr, addr + 1, &at))
		return NULL;
	p = list_again(at.h, at.off, len, at.writes);
	if (p)
		p->based = at.based;
	map_let_go(at.h);
	return p;
}

static ssize_t remap(void *addr, size_t len, size_t new_len, int flags, void *new_addr, struct piece *p)
{
	struct piece *taken = NULL, *more = NULL;
	ssize_t r;
	void *m;

	list_lock();
	m = (void *)KERNEL(mremap, addr, len, new_len, flags, new_addr);
	r = m == MAP_FAILED ? -errno : (ssize_t)m;
	if (m != MAP_FAILED) {
		if (flags & MREMAP_FIXED)
			taken = list_take((uintptr_t)m, map_page_up(new_len));
		if (len && !(flags & MREMAP_DONTUNMAP))
			more = list_take((uintptr_t)addr, map_page_up(len));
		if (p)
			list_activate(p, (uintptr_t)m);
	}
	list_unlock();
	map_finish(taken);
	map_finish(more);
	return r;
}

/* In place, over any number of mappings. */
static ssize_t shrink(void *addr, size_t len, size_t new_len, int flags, void *new_addr)
{
	struct piece *taken = NULL;
	ssize_t r;
	void *m;

	list_lock();
	m = (void *)KERNEL(mremap, addr, len, new_len, flags, new_addr);
	r = m == MAP_FAILED ? -errno : (ssize_t)m;
	if (m != MAP_FAILED)
		taken = list_take((uintptr_t)addr + new_len, len - new_len);
	list_unlock();
	map_finish(taken);
	return r;
}

ssize_t map_move(void *addr, size_t len, size_t new_len, int flags, void *new_addr)
{
	struct piece *p;
	ssize_t r = 0;

	if (map_page_up(new_len) && map_page_up(new_len) <= map_page_up(len) && !(flags & ~MREMAP_MAYMOVE))
		return shrink(addr, map_page_up(len), map_page_up(new_len), flags, new_addr);
	p = new_len ? successor((uintptr_t)addr, map_page_up(new_len)) : NULL;
	if (p)
		r = prepare(p->h->f, p->off, p->len, p->based);
	if (p && r >= 0)
		REAL(close)((int)r);
	if (r >= 0)
		r = remap(addr, len, new_len, flags, new_addr, p);
	if (p && !p->from)
		forget_piece(p);
	return r;
}
