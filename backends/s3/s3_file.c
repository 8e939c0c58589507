/* SPDX-License-Identifier: MIT */
/* Objects that are open: one version to read, or a staged file to write (staged.h). */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sysmacros.h>

#include "base/pool.h"
#include "base/real.h"
#include "s3_private.h"

static struct pool opens = POOL_INIT(struct s3_open, 16);

/* ---- what a staged file asks for */

static ssize_t owner_base(void *arg, void *buf, size_t n, int64_t off)
{
	struct iovec v = { buf, n };

	return s3_read(arg, &v, 1, off, n);
}

static int owner_wrote(void *arg, int64_t off, int64_t len)
{
	struct file *f = arg;

	return (int)ask_once(&(struct ask){ .m = f->mount, .ask = S3_WROTE, .ofd = f->ofd, .handle = &s3_open_of(f)->handle,
					    .off = off, .len = len });
}

#define OWNER(f) (&(struct staged_owner){ owner_base, owner_wrote, f })

/* ---- opening */

static int make(struct file *f)
{
	struct s3_open *o = pool_get(&opens);

	if (!o)
		return -ENOMEM;
	memset(o, 0, sizeof(*o));
	o->staged.fd = -1;
	*(struct s3_open **)(void *)f->priv = o;
	return 0;
}

static void describe(struct file *f, const struct s3_attr *attr)
{
	unsigned major, minor;

	s3_device(f->mount, &major, &minor);
	described(f->ofd)->attr = *attr;
	f->ofd->dev = makedev(major, minor);
	f->ofd->ino = attr->ino;
	f->ofd->mode = attr->mode & S_IFMT;
}

/* Once more, what another description has: the same version, wherever it is now. */
static int open_again(struct file *f, const struct ofd *from)
{
	struct s3_attr attr = described(from)->attr;

	describe(f, &attr);
	return 0;
}

static int open_path(struct file *f, const char *name)
{
	struct ask a = { .m = f->mount, .ask = S3_STAT, .name = name };
	int64_t r = ask_do(&a);

	if (r >= 0)
		describe(f, &a.slot->attr);
	ask_end(&a);
	return r < 0 ? (int)r : 0;
}

static int reads_only(int flags)
{
	return (flags & O_ACCMODE) == O_RDONLY && !(flags & O_TRUNC);
}

/* The answer has the name of a staged file; or the version's first bytes. */
static int opened(struct file *f, const struct ask *a, int flags)
{
	struct s3_open *o = s3_open_of(f);
	int r = 0;

	o->handle = a->slot->handle;
	describe(f, &a->slot->attr);
	if (!a->slot->spool[0]) {
		s3_keep(f, a);
		return 0;
	}
	snprintf(described(f->ofd)->spool, S3_ID, "%.32s", a->slot->spool);
	described(f->ofd)->reads = reads_only(flags);
	r = staged_open(&o->staged, a->link->spool, a->slot->spool, 1);
	if (r == 0 && (flags & O_TRUNC))
		r = staged_truncate(&o->staged, OWNER(f), 0);
	return r;
}

static int open_name(struct file *f, const char *name, int flags, mode_t mode)
{
	struct ask a = { .m = f->mount, .ask = S3_OPEN, .name = name, .text = f->ofd->id, .flags = (unsigned)flags,
			 .mode = flags & O_CREAT ? mode & ~f->ofd->umask : 0 };
	int64_t r = ask_do(&a);

	if (r >= 0)
		r = opened(f, &a, flags);
	ask_end(&a);
	return r < 0 ? (int)r : 0;
}

int s3_file_open(struct file *f, const struct object_at *at, int flags, mode_t mode)
{
	int r = (flags & O_TMPFILE) == O_TMPFILE ? -EOPNOTSUPP : make(f);

	if (r < 0)
		return r;
	if (at->f)
		flags &= ~(O_CREAT | O_EXCL | O_NOFOLLOW);
	if (at->f && reads_only(flags) && !s3_is_staged(at->f))
		r = open_again(f, at->f->ofd);
	else if (flags & O_PATH)
		r = open_path(f, s3_name(at));
	else
		r = open_name(f, s3_name(at), flags, mode);
	if (r == 0 && (flags & O_DIRECTORY) && f->ofd->mode != S_IFDIR)
		r = -ENOTDIR;
	if (r == 0 && f->ofd->mode == S_IFDIR && !(flags & O_PATH) && !reads_only(flags))
		r = -EISDIR;
	if (r == 0)
		return 0;
	/* nobody will finish what was never opened */
	if (s3_is_staged(f))
		s3_file_finish(f->mount, f->ofd, f, OFD_LOST);
	s3_file_detach(f);
	return r;
}

/* Of what is only read the agent is told at the first read. */
int s3_file_attach(struct file *f)
{
	struct link *l;
	int r = make(f);

	if (r < 0 || !s3_is_staged(f))
		return r;
	l = link_get(&r);
	if (l) {
		r = staged_open(&s3_open_of(f)->staged, l->spool, described(f->ofd)->spool, 1);
		link_put(l);
	}
	if (r < 0)
		s3_file_detach(f);
	return r;
}

void s3_file_detach(struct file *f)
{
	struct s3_open *o = s3_open_of(f);

	if (!o)
		return;
	*(struct s3_open **)(void *)f->priv = NULL;
	staged_close(&o->staged);
	ask_drop(&o->handle);
	pool_put(&opens, o);
}

/* -ENOENT from the agent: whoever was at it before had come to its end. */
int s3_file_finish(struct mount *m, struct ofd *o, struct file *f, enum ofd_end how)
{
	_Atomic uint64_t none = 0, *handle = f ? &s3_open_of(f)->handle : &none;
	unsigned last = S3_LAST | (described(o)->reads ? S3_READER : 0);
	struct ask a = { .m = m, .ask = how == OFD_CLOSED ? S3_PUBLISH : S3_ABANDON, .flags = how == OFD_CLOSED ? last : 0,
			 .text = o->id, .ofd = o, .handle = handle };
	int64_t r;

	if (!described(o)->spool[0])
		return 0;
	r = ask_once(&a);
	if (r == 0)
		atomic_store(handle, 0);
	ask_drop(&none);
	return r == -ENOENT ? 0 : r < 0 ? (int)r : 0;
}

/* ---- bytes */

#define MOVE_MOST 0x7ffff000ul         /* of one call, as the kernel's MAX_RW_COUNT */

static size_t total(const struct iovec *iov, int cnt)
{
	size_t n = 0;

	for (int i = 0; i < cnt && n < MOVE_MOST; i++)
		n += iov[i].iov_len < MOVE_MOST ? iov[i].iov_len : MOVE_MOST;
	return n < MOVE_MOST ? n : MOVE_MOST;
}

ssize_t s3_file_preadv(struct file *f, const struct iovec *iov, int cnt, off_t off)
{
	int64_t size = described(f->ofd)->attr.size;
	size_t n;

	if (s3_is_staged(f))
		return staged_preadv(&s3_open_of(f)->staged, OWNER(f), iov, cnt, off);
	if (off >= size)
		return 0;
	n = total(iov, cnt);
	return s3_read(f, iov, cnt, off, n < (uint64_t)(size - off) ? n : (size_t)(size - off));
}

ssize_t s3_file_pwritev(struct file *f, const struct iovec *iov, int cnt, off_t *off, int rwf)
{
	ssize_t r = staged_pwritev(&s3_open_of(f)->staged, OWNER(f), iov, cnt, off);
	int e = r > 0 && rwf ? s3_file_sync(f, 0) : 0;

	return e < 0 ? e : r;
}

int s3_file_allocate(struct file *f, int mode, off_t off, off_t len)
{
	return staged_allocate(&s3_open_of(f)->staged, OWNER(f), mode, off, len);
}

int s3_file_truncate(struct file *f, off_t len)
{
	return staged_truncate(&s3_open_of(f)->staged, OWNER(f), len);
}

int s3_file_sync(struct file *f, int data_only)
{
	(void)data_only;
	if (!s3_is_staged(f) || !staged_is_changed(&s3_open_of(f)->staged))
		return 0;
	return (int)ask_once(&(struct ask){ .m = f->mount, .ask = S3_PUBLISH, .text = f->ofd->id, .ofd = f->ofd,
					    .handle = &s3_open_of(f)->handle });
}

/* ---- truncate(2): a description of its own, for a moment */

static int random_id(char id[S3_ID])
{
	unsigned char bytes[(S3_ID - 1) / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EAGAIN;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

int s3_truncate(struct mount *m, const char *name, off_t len)
{
	struct staged staged = { .fd = -1 };
	_Atomic uint64_t handle = 0;
	char id[S3_ID];
	struct ask a = { .m = m, .ask = S3_OPEN, .name = name, .text = id, .flags = O_WRONLY };
	int64_t r = random_id(id);

	if (r < 0)
		return (int)r;
	r = ask_do(&a);
	if (r >= 0) {
		handle = a.slot->handle;
		r = staged_open(&staged, a.link->spool, a.slot->spool, 0);
	}
	ask_end(&a);
	if (r >= 0)
		r = staged_truncate(&staged, NULL, len);
	staged_close(&staged);
	if (handle) {
		int64_t e = ask_once(&(struct ask){ .m = m, .ask = r < 0 ? S3_ABANDON : S3_PUBLISH, .flags = S3_LAST, .text = id,
						    .handle = &handle, .once = 1 });
		if (e < 0)
			ask_drop(&handle);
		r = r < 0 ? r : e;
	}
	return r < 0 ? (int)r : 0;
}
