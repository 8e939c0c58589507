/* SPDX-License-Identifier: MIT */
/*
 * object:DIR, the back end of the tests for files without a kernel file. It
 * keeps names and bytes in a directory, but the program never gets one of
 * these files: to the shim and to the program they are as far away as those
 * of an object store.
 *
 *      DIR/names   the tree the program sees
 *      DIR/data    a link to every open file that has no name any more, by its
 *                  inode number, for a process that inherits a descriptor
 *      DIR/log     one line for each last close: id, name, how; if a test made it
 *
 * With ?delay=TIME transfers take a random time up to that. With ?publish=close what is written goes elsewhere first: publish.h.
 */
#include <errno.h>
#include <string.h>

#include "backend.h"
#include "base/hidden.h"
#include "files/hide.h"
#include "object/ofd.h"
#include "publish.h"
#include "base/real.h"

struct open_object {
	_Atomic int fd;          /* the file in DIR, hidden from the program */
};

static struct open_object *open_of(struct file *f)
{
	return (struct open_object *)f->priv;
}

static int fd_of(struct file *f)
{
	return atomic_load(&open_of(f)->fd);
}

/* Whether it never gets a name: O_TMPFILE with O_EXCL. Behind what publish.c keeps there. */
static char *nameless(struct ofd *o)
{
	return &o->priv[OFD_PRIVATE - 1];
}

static ssize_t result(ssize_t r)
{
	return r < 0 ? -errno : r;
}

static const char *target(const struct mount *m)
{
	return m->rule->target;
}

static int names(const struct mount *m, const char *name, char *path)
{
	int n = snprintf(path, PATH_MAX, "%.2000s/names%.2000s", target(m), name);

	return strlen(name) > 2000 ? -ENAMETOOLONG : n < 0 ? -EINVAL : 0;
}

static void data(const struct mount *m, uint64_t ino, char *path)
{
	snprintf(path, PATH_MAX, "%.2000s/data/%llu", target(m), (unsigned long long)ino);
}

static int path_of(const struct object_at *at, char *path)
{
	if (!at->f)
		return names(at->m, at->name, path);
	snprintf(path, PATH_MAX, "/proc/self/fd/%d", fd_of(at->f));
	return 0;
}

/* The value of expr with `path` of what `at` is about; no link is followed at the end of a name. */
#define AT(at, expr) ({                                                       \
	char path[PATH_MAX];                                                  \
	int r_ = path_of(at, path);                                           \
	r_ < 0 ? r_ : result(expr); })

#define NOFOLLOW(at) ((at)->f ? 0 : AT_SYMLINK_NOFOLLOW)

/* Some time up to ?delay=. */
static void dawdle(const struct file *f)
{
	static _Atomic uint32_t seed = 1;
	uint64_t most = (uint64_t)f->mount->rule->value[OBJECT_DELAY] * 1000;

	if (most)
		usleep((unsigned)((uint64_t)(atomic_fetch_add(&seed, 2654435761u) >> 8) * most >> 24));
}

static int object_mount(struct mount *m)
{
	if (m->rule->value[OBJECT_ORDER] == URING_ORDER_FD)
		m->flags |= BE_AIO_ORDER;
	return 0;
}

static int object_start(struct mount *m)
{
	static const char *const dirs[] = { "", "/names", "/data", "/stage" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		snprintf(path, sizeof(path), "%s%s", target(m), dirs[i]);
		if (REAL(mkdir)(path, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int object_stat(const struct object_at *at, struct statx *st)
{
	char link[PATH_MAX];
	struct stat there;
	int r = (int)AT(at, REAL(statx)(AT_FDCWD, path, NOFOLLOW(at), STATX_BASIC_STATS | STATX_BTIME, st));

	if (r < 0 || !S_ISREG(st->stx_mode))
		return r;
	data(at->m, st->stx_ino, link);
	if (own_stat(AT_FDCWD, link, &there, AT_SYMLINK_NOFOLLOW) == 0 && there.st_ino == st->stx_ino)
		st->stx_nlink--;
	return 0;
}

static ssize_t object_readlink(const struct object_at *at, char *buf, size_t n)
{
	return at->f ? result(REAL(readlinkat)(fd_of(at->f), "", buf, n)) : AT(at, REAL(readlink)(path, buf, n));
}

static int object_access(const struct object_at *at, int mode, int flags)
{
	return (int)AT(at, REAL(faccessat)(AT_FDCWD, path, mode, (flags & AT_EACCESS) | NOFOLLOW(at)));
}

static int object_list(const struct object_at *at, object_each *each, void *arg)
{
	char path[PATH_MAX];
	struct dirent *e;
	int r = path_of(at, path);
	DIR *d = r < 0 ? NULL : REAL(opendir)(path);

	if (!d)
		return r < 0 ? r : -errno;
	while (!r && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			r = each(arg, e->d_name, e->d_type, e->d_ino);
	REAL(closedir)(d);
	return r;
}

static int object_statfs(struct mount *m, struct statfs *st)
{
	return (int)result(REAL(statfs)(target(m), st));
}

static int object_setattr(const struct object_at *at, const struct object_attr *set)
{
	ssize_t r = 0;

	if (set->set & OBJECT_MODE)
		r = AT(at, REAL(chmod)(path, set->mode));
	if (r == 0 && (set->set & OBJECT_OWNER))
		r = AT(at, REAL(fchownat)(AT_FDCWD, path, set->uid, set->gid, NOFOLLOW(at)));
	if (r == 0 && (set->set & OBJECT_TIMES))
		r = AT(at, REAL(utimensat)(AT_FDCWD, path, set->times, NOFOLLOW(at)));
	return (int)r;
}

static int object_truncate(const struct object_at *at, off_t len)
{
	if (at->f) {
		publish_dirty(at->f);
		return (int)result(REAL(ftruncate)(fd_of(at->f), len));
	}
	if (publish_on(at->m))
		return (int)AT(at, (errno = -publish_truncate(at->m, path, len)) ? -1 : 0);
	return (int)AT(at, REAL(truncate)(path, len));
}

static ssize_t object_getxattr(const struct object_at *at, const char *key, void *value, size_t n)
{
	return at->f ? result(REAL(fgetxattr)(fd_of(at->f), key, value, n)) :
		       AT(at, REAL(lgetxattr)(path, key, value, n));
}

static ssize_t object_listxattr(const struct object_at *at, char *list, size_t n)
{
	return at->f ? result(REAL(flistxattr)(fd_of(at->f), list, n)) :
		       AT(at, REAL(llistxattr)(path, list, n));
}

static int object_setxattr(const struct object_at *at, const char *key, const void *value, size_t n, int flags)
{
	if (!value)
		return (int)(at->f ? result(REAL(fremovexattr)(fd_of(at->f), key)) :
				     AT(at, REAL(lremovexattr)(path, key)));
	return (int)(at->f ? result(REAL(fsetxattr)(fd_of(at->f), key, value, n, flags)) :
			     AT(at, REAL(lsetxattr)(path, key, value, n, flags)));
}

/* The value of expr with `path` of a name. */
#define NAME(m, name, expr) ({                                                \
	char path[PATH_MAX];                                                  \
	int r_ = names(m, name, path);                                        \
	r_ < 0 ? r_ : (int)result(expr); })

static int object_mkdir(struct mount *m, const char *name, mode_t mode)
{
	return NAME(m, name, REAL(mkdir)(path, mode));
}

/* EPERM for a name that could be made, else what is wrong with it. */
static int refusal(const char *path)
{
	char parent[PATH_MAX];
	struct stat st;

	if (own_stat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return EEXIST;
	snprintf(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = 0;
	return errno != ENOENT || REAL(faccessat)(AT_FDCWD, parent, W_OK | X_OK, AT_EACCESS) < 0 ? errno : EPERM;
}

static int object_mknod(struct mount *m, const char *name, mode_t mode, dev_t dev)
{
	if (!(mode & S_IFMT) || S_ISREG(mode))
		return NAME(m, name, REAL(mknod)(path, mode, dev));
	/* what is wrong with the name comes first */
	return NAME(m, name, (errno = refusal(path)) ? -1 : 0);
}

static int object_symlink(struct mount *m, const char *text, const char *name)
{
	return NAME(m, name, REAL(symlinkat)(text, AT_FDCWD, path));
}

static int object_link(const struct object_at *from, const char *to)
{
	char old[PATH_MAX];
	int r = from->f && *nameless(from->f->ofd) ? -ENOENT : path_of(from, old);

	return r < 0 ? r : NAME(from->m, to, REAL(linkat)(AT_FDCWD, old, AT_FDCWD, path,
							  from->f ? AT_SYMLINK_FOLLOW : 0));
}

static int is_open(struct ofd *o, void *arg)
{
	const struct stat *st = arg;

	return o->ino == st->st_ino && o->dev == st->st_dev && ofd_state(o) != OFD_DEAD;
}

/* The name is about to go: an open file keeps one in data. */
static void keep_open(struct mount *m, const char *name)
{
	char path[PATH_MAX], link[PATH_MAX];
	struct stat st;

	if (names(m, name, path) < 0 || own_stat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
	    !ofd_each(is_open, &st))
		return;
	data(m, st.st_ino, link);
	REAL(linkat)(AT_FDCWD, path, AT_FDCWD, link, 0);
}

static int object_remove(struct mount *m, const char *name, int directory)
{
	int r;

	keep_open(m, name);
	r = NAME(m, name, REAL(unlinkat)(AT_FDCWD, path, directory ? AT_REMOVEDIR : 0));

	if (r == 0 && publish_on(m))
		publish_removed(m, name);
	return r;
}

static int object_rename(struct mount *m, const char *from, const char *to, unsigned flags)
{
	char old[PATH_MAX];
	int r = names(m, from, old);

	if (!(flags & RENAME_EXCHANGE))
		keep_open(m, to);
	if (r == 0)
		r = NAME(m, to, REAL(renameat2)(AT_FDCWD, old, AT_FDCWD, path, flags));
	if (r == 0 && publish_on(m) && !(flags & RENAME_EXCHANGE))
		publish_removed(m, to);
	return r;
}

/* Keeps the descriptor `fd` of a file in DIR as f's. */
static int keep(struct file *f, int fd)
{
	int r = hide_fd(fd, &open_of(f)->fd);

	if (r < 0)
		REAL(close)(fd);
	return r;
}

/* Fills what the core wants to know, and gives a file without a name one in data. */
static int describe(struct file *f, int fd)
{
	char proc[32], link[PATH_MAX];
	struct stat st;

	if (own_fstat(fd, &st) < 0)
		return -errno;
	f->ofd->dev = st.st_dev;
	f->ofd->ino = st.st_ino;
	f->ofd->mode = st.st_mode & S_IFMT;
	if (S_ISREG(st.st_mode) && !st.st_nlink && !publish_is_staged(f->ofd)) {
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
		data(f->mount, st.st_ino, link);
		REAL(linkat)(AT_FDCWD, proc, AT_FDCWD, link, AT_SYMLINK_FOLLOW);
	}
	return 0;
}

/* The file to be kept open for the program: of DIR/names, or of its stage. */
static int open_file(struct file *f, const char *path, int flags, mode_t mode)
{
	int unnamed = (flags & O_TMPFILE) == O_TMPFILE, keeps = publish_on(f->mount) && !unnamed ? O_TRUNC : 0, r, fd;

	if (unnamed)        /* the name in data is one */
		*nameless(f->ofd) = (flags & O_EXCL) != 0, keeps = O_EXCL;
	fd = REAL(openat)(AT_FDCWD, path, (flags & ~(O_APPEND | keeps)) | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	if (!publish_wanted(f->mount, fd, flags))
		return fd;
	r = publish_stage(f, fd, flags);
	REAL(close)(fd);
	return r;
}

static int object_open(struct file *f, const struct object_at *at, int flags, mode_t mode)
{
	char path[PATH_MAX];
	int r, fd;

	open_of(f)->fd = -1;
	/* one that is staged is opened once more by its name: as another version */
	r = at->f && publish_is_staged(at->f->ofd) ? names(at->m, at->f->ofd->name, path) : path_of(at, path);
	if (r < 0)
		return r;
	if (at->f)
		flags &= ~(O_CREAT | O_EXCL | O_NOFOLLOW);
	fd = open_file(f, path, flags, mode);
	if (fd < 0)
		return fd;
	r = describe(f, fd);
	if (r < 0) {
		REAL(close)(fd);
		return r;
	}
	return keep(f, fd);
}

static int object_attach(struct file *f)
{
	int flags = f->ofd->flags & (O_ACCMODE | O_PATH | O_DIRECT | O_SYNC | O_DSYNC), fd;
	char path[PATH_MAX], name[PATH_MAX];
	struct stat st;

	open_of(f)->fd = -1;
	if (publish_is_staged(f->ofd)) {
		fd = publish_attach(f);
		return fd < 0 ? fd : keep(f, fd);
	}
	data(f->mount, f->ofd->ino, path);
	if (names(f->mount, f->ofd->name, name) == 0 && own_stat(AT_FDCWD, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == f->ofd->ino)
		strcpy(path, name);
	fd = REAL(openat)(AT_FDCWD, path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : keep(f, fd);
}

static void object_detach(struct file *f)
{
	hide_close(&open_of(f)->fd);
}

static int same_file(struct ofd *o, void *arg)
{
	const struct ofd *mine = arg;

	return strcmp(o->id, mine->id) && !publish_is_staged(o) && o->ino == mine->ino && o->dev == mine->dev &&
	       ofd_state(o) != OFD_DEAD;
}

/* Whether the log has a line that begins with the id: it was written by one that was killed then. */
static int logged(int fd, const char *id)
{
	off_t size = REAL(lseek)(fd, 0, SEEK_END);
	void *log = size > 0 ? REAL(mmap)(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
	int r;

	if (log == MAP_FAILED)
		return 0;
	r = memmem(log, (size_t)size, id, strlen(id)) != NULL;
	munmap(log, (size_t)size);
	return r;
}

static void write_log(struct mount *m, const struct ofd *o, const char *word)
{
	char line[PATH_MAX + 64], path[PATH_MAX];
	int n = snprintf(line, sizeof(line), "%s %s %s\n", o->id, *o->name ? o->name : "/", word), fd;

	snprintf(path, sizeof(path), "%.2000s/log", target(m));
	fd = REAL(openat)(AT_FDCWD, path, O_RDWR | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!logged(fd, o->id) && REAL(write)(fd, line, (size_t)n) < 0)
		n = 0;
	REAL(close)(fd);
}

static int object_finish(struct mount *m, struct ofd *o, struct file *f, enum ofd_end how)
{
	const char *word = how == OFD_CLOSED ? "closed" : "lost";
	char path[PATH_MAX];
	struct stat st;
	int r = publish_finish(m, o, how, &word);

	(void)f;
	data(m, o->ino, path);
	if (o->mode == S_IFREG && own_stat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && !publish_is_staged(o) && !ofd_each(same_file, o))
		REAL(unlink)(path);
	write_log(m, o, word);
	return r;
}

static ssize_t object_preadv(struct file *f, const struct iovec *iov, int cnt, off_t off)
{
	dawdle(f);
	return result(REAL(preadv)(fd_of(f), iov, cnt, off));
}

/* Marked before, so that a sync sees it, and after, so that one that missed it is not the last. */
static ssize_t object_pwritev(struct file *f, const struct iovec *iov, int cnt, off_t *off, int rwf)
{
	int fd = fd_of(f);
	ssize_t r;

	dawdle(f);
	publish_dirty(f);
	if (*off >= 0) {
		r = result(REAL(pwritev2)(fd, iov, cnt, *off, rwf));
	} else {
		r = result(REAL(pwritev2)(fd, iov, cnt, -1, rwf | RWF_APPEND));
		*off = REAL(lseek)(fd, 0, SEEK_CUR) - (r > 0 ? r : 0);
	}
	publish_dirty(f);
	return r;
}

static off_t object_seek(struct file *f, off_t off, int whence)
{
	return result(REAL(lseek)(fd_of(f), off, whence));
}

static int object_allocate(struct file *f, int mode, off_t off, off_t len)
{
	publish_dirty(f);
	return (int)result(REAL(fallocate)(fd_of(f), mode, off, len));
}

static int object_sync(struct file *f, int data_only)
{
	dawdle(f);
	if (publish_is_staged(f->ofd))
		return publish_sync(f);
	return (int)result(data_only ? REAL(fdatasync)(fd_of(f)) : REAL(fsync)(fd_of(f)));
}

static const struct object_ops ops = {
	.stat = object_stat,
	.readlink = object_readlink,
	.access = object_access,
	.list = object_list,
	.statfs = object_statfs,
	.setattr = object_setattr,
	.truncate = object_truncate,
	.getxattr = object_getxattr,
	.listxattr = object_listxattr,
	.setxattr = object_setxattr,
	.mkdir = object_mkdir,
	.mknod = object_mknod,
	.symlink = object_symlink,
	.link = object_link,
	.remove = object_remove,
	.rename = object_rename,
	.open = object_open,
	.attach = object_attach,
	.detach = object_detach,
	.finish = object_finish,
	.preadv = object_preadv,
	.pwritev = object_pwritev,
	.seek = object_seek,
	.allocate = object_allocate,
	.sync = object_sync,
};

const struct backend be_object = {
	.name = "object",
	.mount = object_mount,
	.start = object_start,
	.object = &ops,
};
