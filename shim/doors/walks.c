/* SPDX-License-Identifier: MIT */
/*
 * glob(3) through our doors, and nftw(3) made of them: libc's would look for
 * names on the disk. The order of calls, types and errors is libc's
 * (io/ftw.c). Without a rule that redirects all of it is libc's.
 */
#include <search.h>
#include <string.h>

#include "door.h"

static void *glob_open(const char *path)
{
	return opendir(path);
}

static struct dirent *glob_next(void *dir)
{
	return readdir(dir);
}

static void glob_close(void *dir)
{
	closedir(dir);
}

/* libc's with our functions, which the program does not get to see. */
static int glob_ours(const char *pattern, int flags, int (*fail)(const char *, int), glob_t *g)
{
	glob_t theirs = *g;
	int r;

	g->gl_opendir = glob_open;
	g->gl_readdir = glob_next;
	g->gl_closedir = glob_close;
	g->gl_lstat = lstat;
	g->gl_stat = stat;
	r = REAL(glob)(pattern, flags | GLOB_ALTDIRFUNC, fail, g);
	g->gl_opendir = theirs.gl_opendir;
	g->gl_readdir = theirs.gl_readdir;
	g->gl_closedir = theirs.gl_closedir;
	g->gl_lstat = theirs.gl_lstat;
	g->gl_stat = theirs.gl_stat;
	g->gl_flags &= ~GLOB_ALTDIRFUNC;
	return r;
}

EXPORT int glob(const char *pattern, int flags, int (*fail)(const char *, int), glob_t *g)
{
	if (!mounts_redirect || (flags & GLOB_ALTDIRFUNC))
		return REAL(glob)(pattern, flags, fail, g);
	return glob_ours(pattern, flags, fail, g);
}

TWIN_OF(glob64, glob)

/* A directory on the way to the current entry. */
struct level {
	struct level *up;
	DIR *dir;                /* NULL: closed to keep within the program's limit */
	char *names;             /* all there were when it was opened, each with its NUL */
	size_t len;
};

struct walk {
	int (*ftw)(const char *, const struct stat *, int);   /* one of these two */
	int (*nftw)(const char *, const struct stat *, int, struct FTW *);
	int flags;
	int room;                /* descriptors still allowed */
	struct FTW where;
	dev_t dev;
	void *seen;              /* tree of struct object, where links are followed */
	char *path;
	size_t size;
};

struct object {
	dev_t dev;
	ino_t ino;
};

static int compare(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	return x->ino != y->ino ? (x->ino > y->ino) - (x->ino < y->ino) :
	       (x->dev > y->dev) - (x->dev < y->dev);
}

/* 1 if this directory is new, 0 if not, -1 without memory. */
static int first_visit(struct walk *w, const struct stat *st)
{
	struct object *o, **found;

	if (w->flags & FTW_PHYS)
		return 1;
	o = malloc(sizeof(*o));
	if (!o)
		return -1;
	*o = (struct object){ st->st_dev, st->st_ino };
	found = tsearch(o, &w->seen, compare);
	if (found && *found == o)
		return 1;
	free(o);
	return found ? 0 : -1;
}

/* ftw knows fewer types. */
static int tell(struct walk *w, const struct stat *st, int type)
{
	if (w->nftw)
		return w->nftw(w->path, st, type, &w->where);
	return w->ftw(w->path, st, type == FTW_SL ? FTW_F : type == FTW_DP ? FTW_D :
		      type == FTW_SLN ? FTW_NS : type);
}

/* The current entry as a call at *at finds it. */
static const char *name_at(const struct walk *w, const struct level *up, int *at)
{
	*at = up && up->dir ? dirfd(up->dir) : AT_FDCWD;
	if (!(up && up->dir) && !(w->flags & FTW_CHDIR))
		return w->path;
	return w->path[w->where.base] ? w->path + w->where.base : ".";
}

/* Reads it at once: whatever is made or removed meanwhile, it may be closed. */
static int read_names(struct level *l)
{
	size_t size = 0;
	struct dirent *e;

	for (errno = 0; (e = readdir(l->dir)); errno = 0) {
		size_t n = strlen(e->d_name) + 1;
		char *more;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (l->len + n > size) {
			more = realloc(l->names, size = 2 * size + 4096);
			if (!more)
				return -1;
			l->names = more;
		}
		memcpy(l->names + l->len, e->d_name, n);
		l->len += n;
	}
	return 0;
}

static void close_level(struct walk *w, struct level *l)
{
	int saved = errno;

	if (l->dir) {
		closedir(l->dir);
		w->room++;
	}
	l->dir = NULL;
	errno = saved;
}

/* Opens the current directory; the outermost one is closed if there are too many. */
static int open_level(struct walk *w, struct level *l)
{
	struct level *outer = NULL;
	const char *name;
	int at, fd, saved = errno;

	for (struct level *o = l->up; o && w->room <= 0; o = o->up)
		outer = o->dir ? o : outer;
	if (outer)
		close_level(w, outer);
	name = name_at(w, l->up, &at);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	l->dir = fdopendir(fd);
	if (!l->dir) {
		close(fd);
		return -1;
	}
	w->room--;
	if (read_names(l) < 0)
		return -1;
	errno = saved;
	return 0;
}

/* The path is its first `base` bytes and the name. */
static int set_name(struct walk *w, const char *name)
{
	size_t base = (size_t)w->where.base, n = strlen(name) + 1;

	if (base + n > w->size) {
		char *more = realloc(w->path, w->size = 2 * (base + n));

		if (!more)
			return -1;
		w->path = more;
	}
	memcpy(w->path + base, name, n);
	return 0;
}

/* Back to where the directory above is, after FTW_CHDIR. */
static int change_up(const struct walk *w, const struct level *up)
{
	if (up->dir && fchdir(dirfd(up->dir)) == 0)
		return 0;
	return chdir(w->where.base == 1 ? "/" : "..");
}

static int visit(struct walk *w, struct level *l, const char *name);

static int visit_names(struct walk *w, struct level *l)
{
	size_t n = strlen(w->path);
	int base = w->where.base, r = 0;

	if (w->path[n - 1] != '/' && (w->where.base = (int)n, set_name(w, "/") == 0))
		n++;
	w->where.base = (int)n;
	w->where.level++;
	for (size_t i = 0; i < l->len && r == 0; i += strlen(l->names + i) + 1)
		r = visit(w, l, l->names + i);
	if ((w->flags & FTW_ACTIONRETVAL) && r == FTW_SKIP_SIBLINGS)
		r = 0;
	w->path[n - 1] = 0;
	w->where.level--;
	w->where.base = base;
	return r;
}

static int visit_directory(struct walk *w, const struct stat *st, struct level *up)
{
	struct level l = { .up = up };
	int r = open_level(w, &l);

	if (r < 0) {
		r = errno == EACCES ? tell(w, st, FTW_DNR) : -1;
	} else {
		if (!(w->flags & FTW_DEPTH))
			r = tell(w, st, FTW_D);
		if (r == 0 && (w->flags & FTW_CHDIR))
			r = fchdir(dirfd(l.dir));
		if (r == 0) {
			r = visit_names(w, &l);
			close_level(w, &l);
			if (r == 0 && (w->flags & FTW_DEPTH))
				r = tell(w, st, FTW_DP);
			if (up && (w->flags & FTW_CHDIR) && r != -1 &&
			    (r == 0 || ((w->flags & FTW_ACTIONRETVAL) && r != FTW_STOP)) &&
			    change_up(w, up) < 0)
				r = -1;
		}
	}
	close_level(w, &l);
	free(l.names);
	return r;
}

/* The type of the current entry, *st filled; FTW_NS, or -1 and errno. */
static int look(struct walk *w, struct level *up, struct stat *st)
{
	int at, nofollow = w->flags & FTW_PHYS ? AT_SYMLINK_NOFOLLOW : 0;
	const char *name = name_at(w, up, &at);

	if (fstatat(at, name, st, nofollow) == 0)
		return S_ISDIR(st->st_mode) ? FTW_D : S_ISLNK(st->st_mode) ? FTW_SL : FTW_F;
	if (errno != EACCES && errno != ENOENT)
		return -1;
	if (!nofollow && fstatat(at, name, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st->st_mode))
		return FTW_SLN;
	return FTW_NS;
}

static int visit(struct walk *w, struct level *up, const char *name)
{
	struct stat st = { 0 };
	int r = set_name(w, name), type;

	if (r < 0 || (type = look(w, up, &st)) < 0)
		return -1;
	if (type != FTW_NS && (w->flags & FTW_MOUNT) && st.st_dev != w->dev)
		return 0;
	if (type != FTW_D)
		r = tell(w, &st, type);
	else if ((r = first_visit(w, &st)) > 0)
		r = visit_directory(w, &st, up);
	return (w->flags & FTW_ACTIONRETVAL) && r == FTW_SKIP_SUBTREE ? 0 : r;
}

static int visit_start(struct walk *w)
{
	struct stat st;
	int type = look(w, NULL, &st), r;

	if (type == FTW_NS || type < 0)
		return -1;
	w->dev = st.st_dev;
	if (type != FTW_D)
		r = tell(w, &st, type);
	else if ((r = first_visit(w, &st)) > 0)
		r = visit_directory(w, &st, NULL);
	if ((w->flags & FTW_ACTIONRETVAL) && (r == FTW_SKIP_SUBTREE || r == FTW_SKIP_SIBLINGS))
		r = 0;
	return r;
}

/* To the directory that the start is in; the descriptor that leads back, or -1 and errno. */
static int change_to_start(struct walk *w)
{
	int back = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	char *slash = w->path + w->where.base - 1;

	if (back < 0)
		return -1;
	if (w->room > 1)
		w->room--;
	if (w->where.base == 1) {
		r = chdir("/");
	} else if (w->where.base) {
		*slash = 0;
		r = chdir(w->path);
		*slash = '/';
	}
	if (r < 0) {
		int saved = errno;

		close(back);
		errno = saved;
		return -1;
	}
	return back;
}

static int start_walk(struct walk *w, const char *path)
{
	size_t n = strlen(path);
	int r = -1, back = -1, saved;

	while (n > 1 && path[n - 1] == '/')
		n--;
	w->size = n + 256;
	w->path = malloc(w->size);
	if (!w->path)
		return -1;
	memcpy(w->path, path, n);
	w->path[n] = 0;
	w->where.base = (int)n;
	while (w->where.base && path[w->where.base - 1] != '/')
		w->where.base--;
	if (!(w->flags & FTW_CHDIR) || (back = change_to_start(w)) >= 0)
		r = visit_start(w);
	saved = errno;
	if (back >= 0) {
		if (fchdir(back) < 0 && r == 0)
			r = -1, saved = errno;
		close(back);
	}
	tdestroy(w->seen, free);
	free(w->path);
	errno = saved;
	return r;
}

static int walk(struct walk *w, const char *path, int limit)
{
	w->room = limit < 1 ? 1 : limit;
	if (!*path) {
		errno = ENOENT;
		return -1;
	}
	return start_walk(w, path);
}

EXPORT int ftw(const char *path, __ftw_func_t each, int limit)
{
	struct walk w = { .ftw = each };

	return mounts_redirect ? walk(&w, path, limit) : REAL(ftw)(path, each, limit);
}

TWIN_OF(ftw64, ftw)

EXPORT int nftw(const char *path, __nftw_func_t each, int limit, int flags)
{
	struct walk w = { .nftw = each, .flags = flags };

	if (!mounts_redirect)
		return REAL(nftw)(path, each, limit, flags);
	if (flags & ~(FTW_PHYS | FTW_MOUNT | FTW_CHDIR | FTW_DEPTH | FTW_ACTIONRETVAL)) {
		errno = EINVAL;
		return -1;
	}
	return walk(&w, path, limit);
}

TWIN_OF(nftw64, nftw)
