/* SPDX-License-Identifier: MIT */
/* Reading directories without a kernel directory; see object_dir.h. */
#include "object_dir.h"

#include <errno.h>
#include <string.h>

#include "base/hidden.h"
#include "object_at.h"
#include "object_name.h"
#include "object_number.h"
#include "object_pin.h"
#include "ofd.h"
#include "base/real.h"

/* The entries as getdents64 has them, one after the other. */
struct listing {
	size_t room, used, count;    /* bytes, bytes, entries */
	char entries[];
};

#define FIRST_ROOM 65536

static size_t entry_size(const char *name)
{
	return (offsetof(struct dirent64, d_name) + strlen(name) + 1 + 7) & ~(size_t)7;
}

static int grow(struct listing **l)
{
	void *more = REAL(mremap)(*l, (*l)->room, 2 * (*l)->room, MREMAP_MAYMOVE);

	if (more == MAP_FAILED)
		return -ENOMEM;
	*l = more;
	(*l)->room *= 2;
	return 0;
}

static int add(struct listing **l, const char *name, unsigned char type, uint64_t ino)
{
	size_t size = entry_size(name);
	struct dirent64 *e;

	if (strlen(name) > NAME_MAX)
		return 0;
	while (sizeof(**l) + (*l)->used + size > (*l)->room)
		if (grow(l) < 0)
			return -ENOMEM;
	e = (struct dirent64 *)((*l)->entries + (*l)->used);
	memset(e, 0, size);
	e->d_ino = ino;
	e->d_off = (off64_t)++(*l)->count;
	e->d_reclen = (unsigned short)size;
	e->d_type = type;
	strcpy(e->d_name, name);
	(*l)->used += size;
	return 0;
}

struct adding {
	const struct file *dir;
	struct listing *l;
};

static int add_entry(void *arg, const char *name, unsigned char type, uint64_t ino)
{
	struct adding *a = arg;

	return add(&a->l, name, type, number_of_entry(a->dir, name, ino));
}

/* The directory above: of the mount's own, whatever the kernel has there. */
static uint64_t parent_inode(struct file *f)
{
	char name[CONF_PATH_MAX], *slash;
	struct statx x;
	struct stat st;

	snprintf(name, sizeof(name), "%s", *f->ofd->name ? f->ofd->name : f->mount->prefix);
	slash = strrchr(name, '/');
	if (slash)
		*slash = 0;
	if (*f->ofd->name)
		return object_name_stat(f->mount, name, &x) == 0 ?
		       number_told(&(struct object_at){ f->mount, NULL, name }, x.stx_ino) : f->ofd->ino;
	return own_stat(AT_FDCWD, *name ? name : "/", &st, 0) == 0 ? st.st_ino : f->ofd->ino;
}

static int list(struct file *f)
{
	struct object_at at = { f->mount, f, NULL };
	struct adding a = { f, REAL(mmap)(NULL, FIRST_ROOM, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) };
	int r;

	if (a.l == MAP_FAILED)
		return -ENOMEM;
	a.l->room = FIRST_ROOM;
	add(&a.l, ".", DT_DIR, number_told(&at, f->ofd->ino));
	add(&a.l, "..", DT_DIR, parent_inode(f));
	r = f->mount->be->object->list(&at, add_entry, &a);
	if (r < 0) {
		REAL(munmap)(a.l, a.l->room);
		return r;
	}
	object_dir_released(f);
	f->listing = a.l;
	return 0;
}

void object_dir_released(struct file *f)
{
	struct listing *l = f->listing;

	f->listing = NULL;
	if (l)
		REAL(munmap)(l, l->room);
}

/* The entries from number `pos` on that fit: bytes, and how many they are. */
static ssize_t some(const struct listing *l, size_t pos, char **from, size_t room, size_t *count)
{
	size_t at = 0, n = 0;

	for (size_t i = 0; i < pos && at < l->used; i++)
		at += ((const struct dirent64 *)(l->entries + at))->d_reclen;
	*from = (char *)l->entries + at;
	for (*count = 0; at + n < l->used; (*count)++) {
		size_t len = ((const struct dirent64 *)(*from + n))->d_reclen;

		if (n + len > room)
			break;
		n += len;
	}
	return !n && at < l->used ? -EINVAL : (ssize_t)n;
}

static ssize_t read_entries(struct file *f, void *buf, size_t room)
{
	size_t count = 0;
	char *from;
	ssize_t n;
	int r = 0;

	if (f->ofd->flags & O_PATH)
		return -EBADF;
	if (f->ofd->mode != S_IFDIR)
		return -ENOTDIR;
	if (f->ofd->gone)
		return -ENOENT;
	if (f->ofd->pos == 0 || !f->listing)
		r = list(f);
	if (r < 0)
		return r;
	n = some(f->listing, (size_t)f->ofd->pos, &from, room, &count);
	if (n <= 0)
		return n;
	if (at_give(buf, from, (size_t)n) < 0)
		return -EFAULT;
	f->ofd->pos += (int64_t)count;
	return n;
}

static ssize_t locked_read(struct file *f, void *buf, size_t n)
{
	int locked = ofd_lock(f->ofd);
	ssize_t r = read_entries(f, buf, n);

	ofd_unlock(f->ofd, locked);
	return r;
}

ssize_t object_getdents(struct file *f, int fd, void *buf, size_t n)
{
	return PINNED(f, fd, locked_read(f, buf, n));
}
