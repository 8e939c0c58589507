/* SPDX-License-Identifier: MIT */
/* Copies of files without a kernel file; see object_image.h. */
#include "object_image.h"

#include <errno.h>
#include <string.h>

#include "files/fdtab.h"
#include "object_at.h"
#include "object_name.h"
#include "ofd.h"
#include "base/pool.h"
#include "base/real.h"

#define STEP (1 << 20)       /* bytes of one read */

/* An open file that only we see: no placeholder stands for it. */
static struct pool descriptions = POOL_INIT(struct ofd, 2);

static int copy(struct file *f, int to)
{
	const struct object_ops *ops = f->mount->be->object;
	char *buf = REAL(mmap)(NULL, STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov = { buf, STEP };
	off_t off = 0;
	ssize_t n = -ENOMEM;

	if (buf == MAP_FAILED)
		return -ENOMEM;
	while ((n = ops->preadv(f, &iov, 1, off)) > 0) {
		if (REAL(pwrite)(to, buf, (size_t)n, off) != n) {
			n = -ENOMEM;
			break;
		}
		off += n;
	}
	REAL(munmap)(buf, STEP);
	return (int)n;
}

static int open_and_copy(const struct object_at *at, struct file *f, int to)
{
	const struct object_ops *ops = at->m->be->object;
	int r;

	memset(f->ofd, 0, sizeof(*f->ofd));
	r = ops->open(f, at, O_RDONLY, 0);
	if (r < 0)
		return r;
	r = copy(f, to);
	if (ops->detach)
		ops->detach(f);
	return r;
}

static int fill(const struct object_at *at, int to)
{
	struct file *f = fdtab_new();
	int r = -ENOMEM;

	if (!f)
		return r;
	f->mount = at->m;
	f->ofd = pool_get(&descriptions);
	if (f->ofd) {
		r = open_and_copy(at, f, to);
		pool_put(&descriptions, f->ofd);
		f->ofd = NULL;
	}
	f->mount = &mount_none;
	fdtab_put(f);
	return r;
}

static int copy_of(const struct object_at *at)
{
	int fd = REAL(memfd_create)("program", MFD_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = fill(at, fd);
	if (r < 0) {
		REAL(close)(fd);
		return r;
	}
	return fd;
}

struct written {
	const struct mount *m;
	uint64_t ino;
};

/* Whether a description is a program's to write to. */
static int is_written(struct ofd *o, void *arg)
{
	const struct written *w = arg;

	return o->ino == w->ino && ofd_is_of(o, w->m) && ofd_writes(o) && ofd_state(o) != OFD_DEAD;
}

int object_image(const struct place *p, int flags)
{
	char name[PATH_MAX];
	struct object_at at;
	struct statx st;
	int r = object_at_of(p, flags, &at, name);

	if (r == 0)
		r = at_look(&at, &st);
	if (r == 0)
		r = S_ISREG(st.stx_mode) ? at_access(&at, X_OK, AT_EACCESS) :
		    S_ISLNK(st.stx_mode) ? -ELOOP : -EACCES;
	if (r == 0 && ofd_each(is_written, &(struct written){ at.m, st.stx_ino }))
		r = -ETXTBSY;
	return r < 0 ? r : copy_of(&at);
}

int object_copy_of(const struct place *p, struct statx *st)
{
	char name[PATH_MAX];
	struct object_at at;
	int r = object_at_of(p, 0, &at, name);

	if (r == 0)
		r = at_look(&at, st);
	if (r == 0 && !S_ISREG(st->stx_mode))
		r = -EACCES;
	return r < 0 ? r : copy_of(&at);
}
