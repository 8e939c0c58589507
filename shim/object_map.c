/* SPDX-License-Identifier: MIT */
/* Mappings of files without a kernel file; see object_map.h. */
#include "object_map.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "fdtab.h"
#include "map_list.h"
#include "mount.h"
#include "object.h"
#include "object_end.h"
#include "object_pin.h"
#include "ofd.h"
#include "real.h"
#include "stats.h"

#define PAGE 4096

/*
 * The call itself: another library's function of the name, which may have a
 * system call of its own at its end (tcmalloc's), would come back to our doors.
 */
#define KERNEL(name, ...) REAL(syscall)(SYS_##name, __VA_ARGS__)

static size_t page_up(size_t n)
{
	return (n + PAGE - 1) & ~(size_t)(PAGE - 1);
}

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
	int access = f->ofd->flags & O_ACCMODE, type = flags & MAP_TYPE;

	if (off & (PAGE - 1))
		return -EINVAL;
	if (f->ofd->flags & O_PATH)
		return -EBADF;
	if (!len)
		return -EINVAL;
	if (!page_up(len) || page_up(len) > SIZE_MAX / 4)
		return -ENOMEM;
	if (off < 0 || off + (off_t)page_up(len) < off)
		return -EOVERFLOW;
	if (!is_shared(flags) && type != MAP_PRIVATE)
		return -EINVAL;
	if (access == O_WRONLY || (is_shared(flags) && (prot & PROT_WRITE) && access == O_RDONLY))
		return -EACCES;
	return f->ofd->mode == S_IFREG && f->mount->be->object->preadv && fdtab_ours() ? 0 : -ENODEV;
}

/* ---- the end of mappings */

/* The ranges of the same file that this process still maps, or is about to. */
static int same_image(const struct file *a, const struct file *b)
{
	return a->ofd->dev == b->ofd->dev && a->ofd->ino == b->ofd->ino &&
	       !strcmp(a->ofd->be, b->ofd->be) && !strcmp(a->ofd->target, b->ofd->target);
}

static int used_of(const struct file *f, struct ranges *used)
{
	int r = 0;

	used->n = 0;
	list_lock();
	for (struct piece *p = list_pieces; p; p = p->next)
		if (r == 0 && same_image(p->h->f, f))
			r = ranges_add(used, p->off, p->off + (off_t)p->len);
	list_unlock();
	return r;
}

/* Gives [from, to) of the file back to it, and if `trim` the memory nobody maps. */
static int write_back(struct file *f, off_t from, off_t to, int writes, int trim)
{
	struct ranges used;
	struct image im;
	int r = image_enter(&im, image_of_file(f), 0);

	if (r < 0 || !im.head)
		return r;
	if (writes)
		r = image_sync(&im, f, from, to);
	if (trim && r == 0 && used_of(f, &used) == 0)
		image_trim(&im, &used);
	image_leave(&im);
	if (r < 0)
		stats_note("mmap: what was stored could not be written: %s", strerrorname_np(-r));
	return r;
}

/* One mapping fewer of this holder; the last may end the description. */
static void let_go(struct holder *h)
{
	struct file *f = h->f;

	if (!list_put_holder(h))
		return;
	object_close_hidden(f, &h->fd);
	list_free_holder(h);
}

/* What list_take took away, with no lock held. */
static void finish(struct piece *taken)
{
	while (taken) {
		struct piece *p = taken;

		taken = p->next;
		write_back(p->h->f, p->off, p->off + (off_t)p->len, p->writes, 1);
		let_go(p->h);
		list_free_piece(p);
	}
}

int map_unmap(void *addr, size_t len)
{
	struct piece *taken = NULL;
	int r;

	list_lock();
	r = KERNEL(munmap, addr, len) < 0 ? -errno : 0;
	if (r == 0)
		taken = list_take((uintptr_t)addr, page_up(len));
	list_unlock();
	finish(taken);
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
			taken = list_take((uintptr_t)m, page_up(len));
		if (p)
			list_activate(p, (uintptr_t)m);
	}
	list_unlock();
	finish(taken);
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
	r = image_want(&im, f, off, off + (off_t)page_up(len), writable);
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
	finish(p);
}

static ssize_t map_file(struct file *f, void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	int writes = may_write(f, flags), image;
	struct piece *p;
	ssize_t r;

	p = list_new(f, fd, off, page_up(len), writes);
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
		let_go(at.h);
	return has;
}

/* For each of our mappings in [start, start + n): `what`, with a copy `at` cut to that. */
#define EACH_PIECE(start, n, at, what) do {                                   \
	struct piece at;                                                      \
	uintptr_t a_ = (uintptr_t)(start), end_ = a_ + page_up(n);            \
	while (list_next(a_, end_, &at)) {                                    \
		what;                                                         \
		a_ = at.from + at.len;                                        \
		let_go(at.h);                                                 \
	}                                                                     \
} while (0)

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
	int r = write_back(f, p->off, p->off + (off_t)p->len, 1, 0);

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
	let_go(at.h);
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
			taken = list_take((uintptr_t)m, page_up(new_len));
		if (len && !(flags & MREMAP_DONTUNMAP))
			more = list_take((uintptr_t)addr, page_up(len));
		if (p)
			list_activate(p, (uintptr_t)m);
	}
	list_unlock();
	finish(taken);
	finish(more);
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
	finish(taken);
	return r;
}

ssize_t map_move(void *addr, size_t len, size_t new_len, int flags, void *new_addr)
{
	struct piece *p;
	ssize_t r = 0;

	if (page_up(new_len) && page_up(new_len) <= page_up(len) && !(flags & ~MREMAP_MAYMOVE))
		return shrink(addr, page_up(len), page_up(new_len), flags, new_addr);
	p = new_len ? successor((uintptr_t)addr, page_up(new_len)) : NULL;
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

/* ---- files and processes */

/* A file of this process through which the image of f may be written back; the holder is the caller's. */
static struct holder *writer_of(const struct file *f)
{
	struct holder *h;

	list_lock();
	for (h = list_holders; h; h = h->next)
		if (same_image(h->f, f) && (h->f->ofd->flags & O_ACCMODE) == O_RDWR)
			break;
	if (h)
		h->pieces++;
	list_unlock();
	return h;
}

int map_sync_file(struct file *f)
{
	struct holder *h;
	int r = 0;

	if ((f->ofd->flags & O_ACCMODE) == O_RDWR)
		return write_back(f, 0, INT64_MAX, 1, 0);
	h = writer_of(f);
	if (h) {
		r = write_back(h->f, 0, INT64_MAX, 1, 0);
		let_go(h);
	}
	return r;
}

int object_map_sync_all(void)
{
	int r = 0;

	if (atomic_load_explicit(&map_high, memory_order_relaxed))
		EACH_PIECE(0, UINTPTR_MAX - PAGE, at,
			   if (at.writes && write_back(at.h->f, at.off, at.off + (off_t)at.len, 1, 0) < 0) r = -EIO);
	return r;
}

void object_map_exit(void)
{
	struct piece *taken;

	if (!atomic_load_explicit(&map_high, memory_order_relaxed))
		return;
	list_lock();
	taken = list_take(0, UINTPTR_MAX);
	list_unlock();
	finish(taken);
}

struct question {
	const struct ofd *mine;
};

static int also_mapped(struct ofd *o, void *arg)
{
	const struct ofd *mine = ((struct question *)arg)->mine;

	return o->mapped && strcmp(o->id, mine->id) && o->dev == mine->dev && o->ino == mine->ino &&
	       !strcmp(o->be, mine->be) && !strcmp(o->target, mine->target) && ofd_state(o) != OFD_DEAD;
}

void object_map_ended(struct file *f)
{
	struct question q = { f->ofd };
	struct image im;

	if (!f->ofd->mapped || image_enter(&im, image_of_file(f), 0) < 0 || !im.head)
		return;
	if ((f->ofd->flags & O_ACCMODE) == O_RDWR)
		image_sync(&im, f, 0, INT64_MAX);
	if (!ofd_each(also_mapped, &q))
		image_remove(&im);
	image_leave(&im);
}

void object_map_lost(struct mount *m, struct ofd *o)
{
	const struct object_ops *ops = m->be->object;
	struct file *f = o->mapped ? fdtab_new() : NULL;

	if (!f)
		return;
	f->mount = m;
	f->ofd = o;
	if (!ops->attach || ops->attach(f) == 0) {
		object_map_ended(f);
		if (ops->detach)
			ops->detach(f);
	}
	f->ofd = NULL;
	f->mount = &mount_none;
	fdtab_put(f);
}

void object_map_mark(pid_t pid)
{
	list_lock();
	for (struct holder *h = list_holders; h; h = h->next)
		h->f->ofd->closer = pid;
	list_unlock();
}

/* What a child maps, too, is never cut. */
static void share(struct holder *h)
{
	struct image im;

	if (h->shared)
		return;
	if (image_enter(&im, image_of_file(h->f), 0) == 0 && im.head) {
		image_share(&im);
		image_leave(&im);
	}
	h->shared = 1;
}

/* Locked: whether that was done with everything a child would have now. */
static int all_shared(void)
{
	for (struct piece *p = list_pieces; p; p = p->next)
		if (p->from && !p->h->shared)
			return 0;
	return 1;
}

/* Who has an image's lock may wait for the list's, so not the other way round. */
void object_map_fork_lock(void)
{
	list_lock();
	while (!all_shared()) {
		list_unlock();
		EACH_PIECE(0, UINTPTR_MAX - PAGE, at, share(at.h));
		list_lock();
	}
}

void object_map_fork_unlock(void)
{
	list_unlock();
}
