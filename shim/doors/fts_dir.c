/* SPDX-License-Identifier: MIT */
/* The directories of an fts(3) walk; see fts_dir.h. */
#include "fts_dir.h"

#include <string.h>

#include "door.h"

#define IS(opt) (s->fts_options & (opt))

FTSENT *fts_entry(const FTS *s, const char *name, size_t n)
{
	size_t head = (offsetof(FTSENT, fts_name) + n + 16) & ~(size_t)15;
	FTSENT *p = calloc(1, head + sizeof(struct stat));

	if (!p)
		return NULL;
	memcpy(p->fts_name, name, n);
	p->fts_namelen = (unsigned short)n;
	p->fts_path = s->fts_path;
	p->fts_instr = FTS_NOINSTR;
	p->fts_statp = IS(FTS_NOSTAT) ? NULL : (struct stat *)((char *)p + head);
	return p;
}

void fts_free_list(FTSENT *p)
{
	while (p) {
		FTSENT *link = p->fts_link;

		free(p);
		p = link;
	}
}

static int is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static FTSENT *above_with(const FTSENT *p, const struct stat *st)
{
	for (FTSENT *t = p->fts_parent; t->fts_level >= FTS_ROOTLEVEL; t = t->fts_parent)
		if (t->fts_ino == st->st_ino && t->fts_dev == st->st_dev)
			return t;
	return NULL;
}

/* What p is: an FTS_ value. */
unsigned short fts_look(const FTS *s, FTSENT *p, int follow)
{
	struct stat own, *st = p->fts_statp ?: &own;

	follow = follow || IS(FTS_LOGICAL);
	if ((follow ? stat : lstat)(p->fts_accpath, st) < 0) {
		p->fts_errno = errno;
		if (follow && lstat(p->fts_accpath, st) == 0) {
			p->fts_errno = errno = 0;
			return FTS_SLNONE;
		}
		memset(st, 0, sizeof(*st));
		return FTS_NS;
	}
	if (!S_ISDIR(st->st_mode))
		return S_ISLNK(st->st_mode) ? FTS_SL : S_ISREG(st->st_mode) ? FTS_F : FTS_DEFAULT;
	p->fts_dev = st->st_dev;
	p->fts_ino = st->st_ino;
	p->fts_nlink = st->st_nlink;
	if (is_dots(p->fts_name))
		return FTS_DOT;
	p->fts_cycle = above_with(p, st);
	return p->fts_cycle ? FTS_DC : FTS_D;
}

/* The same list in the program's order. */
FTSENT *fts_sorted(FTS *s, FTSENT *head, size_t n)
{
	FTSENT **a, *p = head;

	if (!s->fts_compar || n < 2 || !(a = malloc(n * sizeof(void *))))
		return head;
	for (size_t i = 0; i < n; i++, p = p->fts_link)
		a[i] = p;
	qsort(a, n, sizeof(void *), s->fts_compar);
	for (size_t i = 0; i < n; i++)
		a[i]->fts_link = i + 1 < n ? a[i + 1] : NULL;
	head = a[0];
	free(a);
	return head;
}

int fts_back_to(const FTS *s, int fd)
{
	return IS(FTS_NOCHDIR) ? 0 : fchdir(fd);
}

/* To p, by a descriptor of it or, if that is -1, by `path`; not if it has become another. */
int fts_change_to(const FTS *s, const FTSENT *p, int fd, const char *path)
{
	struct stat st;
	int own, r;

	if (IS(FTS_NOCHDIR))
		return 0;
	own = fd < 0 ? open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC) : fd;
	if (own < 0)
		return -1;
	r = fstat(own, &st);
	if (r == 0 && (st.st_dev != p->fts_dev || st.st_ino != p->fts_ino)) {
		errno = ENOENT;
		r = -1;
	}
	if (r == 0)
		r = fchdir(own);
	if (fd < 0) {
		int saved = errno;

		close(own);
		errno = saved;
	}
	return r;
}

/* From a directory that was gone into to where it is. */
int fts_change_up(FTS *s, const FTSENT *p)
{
	return p->fts_level == FTS_ROOTLEVEL ? fts_back_to(s, s->fts_rfd)
					     : fts_change_to(s, p->fts_parent, -1, "..");
}

/* How long p's path is before the slash that a name below it follows. */
static size_t append_at(const FTSENT *p)
{
	return p->fts_pathlen && p->fts_path[p->fts_pathlen - 1] == '/' ? p->fts_pathlen - 1u : p->fts_pathlen;
}

void fts_set_path(FTS *s, const FTSENT *p)
{
	char *at = s->fts_path + append_at(p->fts_parent);

	*at++ = '/';
	memcpy(at, p->fts_name, p->fts_namelen + 1u);
}

/* One more entry of the directory s->fts_cur. */
static FTSENT *child(FTS *s, const struct dirent *e, enum fts_list type)
{
	FTSENT *cur = s->fts_cur, *p = fts_entry(s, e->d_name, strlen(e->d_name));
	size_t len = append_at(cur) + 1;

	if (!p)
		return NULL;
	if (len + p->fts_namelen > USHRT_MAX) {
		free(p);
		errno = ENAMETOOLONG;
		return NULL;
	}
	p->fts_level = (short)(cur->fts_level + 1);
	p->fts_parent = cur;
	p->fts_pathlen = (unsigned short)(len + p->fts_namelen);
	p->fts_accpath = IS(FTS_NOCHDIR) ? p->fts_path : p->fts_name;
	if (type == NAMES || (IS(FTS_NOSTAT) && IS(FTS_PHYSICAL) && e->d_type != DT_DIR &&
				     e->d_type != DT_UNKNOWN)) {
		p->fts_info = FTS_NSOK;
	} else {
		if (IS(FTS_NOCHDIR))
			fts_set_path(s, p);
		p->fts_info = fts_look(s, p, 0);
	}
	return p;
}

/* The directory's entries, linked; the number of them, or -1 and errno. */
static long read_all(FTS *s, DIR *dir, enum fts_list type, FTSENT **head)
{
	FTSENT **tail = head;
	struct dirent *e;
	long n = 0;

	*head = NULL;
	while ((e = readdir(dir))) {
		if (!IS(FTS_SEEDOT) && is_dots(e->d_name))
			continue;
		*tail = child(s, e, type);
		if (!*tail) {
			fts_free_list(*head);
			return -1;
		}
		tail = &(*tail)->fts_link;
		n++;
	}
	return n;
}

/*
 * Whether p has directories below it as far as its links tell: with FTS_NOSTAT
 * the walk believes them, and nothing but their names is wanted otherwise.
 */
static int may_have_directories(const FTS *s, const FTSENT *p)
{
	return !IS(FTS_NOSTAT) || !IS(FTS_PHYSICAL) || p->fts_nlink != (IS(FTS_SEEDOT) ? 0 : 2);
}

/* What is in s->fts_cur; NULL if nothing is, or it cannot be read. */
FTSENT *fts_build(FTS *s, enum fts_list type)
{
	FTSENT *cur = s->fts_cur, *head = NULL;
	DIR *dir = opendir(cur->fts_accpath);
	size_t end = append_at(cur);
	int inside = 0, go, error;
	long n = 0;

	if (!dir) {
		if (type == READ) {
			cur->fts_info = FTS_DNR;
			cur->fts_errno = errno;
		}
		return NULL;
	}
	go = type == READ || (type == CHILDREN && may_have_directories(s, cur));
	if (go && fts_change_to(s, cur, dirfd(dir), NULL) < 0) {
		if (type == READ && may_have_directories(s, cur))
			cur->fts_errno = errno;
		cur->fts_flags |= FTS_DONTCHDIR;
	} else {
		inside = go;
		n = read_all(s, dir, type, &head);
	}
	error = errno;
	closedir(dir);
	errno = error;
	if (IS(FTS_NOCHDIR))
		s->fts_path[end + (n > 0)] = 0;
	if (n < 0 || (inside && (type == CHILDREN || !n) && fts_change_up(s, cur) < 0)) {
		fts_free_list(n > 0 ? head : NULL);
		cur->fts_info = FTS_ERR;
		s->fts_options |= FTS_STOP;
		return NULL;
	}
	if (!n && type == READ)
		cur->fts_info = FTS_DP;
	return n ? fts_sorted(s, head, (size_t)n) : NULL;
}
