/* SPDX-License-Identifier: MIT */
/* fts(3): the doors, and where a walk goes next; see fts_dir.h. */
#include <string.h>

#include "door.h"
#include "fts_dir.h"

#define IS(opt) (s->fts_options & (opt))

/* Makes p, a name the walk was given, the current path. */
static void load(FTS *s, FTSENT *p)
{
	char *slash = strrchr(p->fts_name, '/');

	p->fts_pathlen = p->fts_namelen;
	memcpy(s->fts_path, p->fts_name, p->fts_namelen + 1u);
	if (slash && (slash != p->fts_name || slash[1])) {
		p->fts_namelen = (unsigned short)strlen(slash + 1);
		memmove(p->fts_name, slash + 1, p->fts_namelen + 1u);
	}
	p->fts_accpath = p->fts_path = s->fts_path;
	s->fts_dev = p->fts_dev;
}

/* A link that the program wants followed. */
static void follow(FTS *s, FTSENT *p)
{
	p->fts_info = fts_look(s, p, 1);
	if (p->fts_info != FTS_D || IS(FTS_NOCHDIR))
		return;
	p->fts_symfd = open(".", O_RDONLY | O_CLOEXEC);
	if (p->fts_symfd < 0) {
		p->fts_errno = errno;
		p->fts_info = FTS_ERR;
	} else {
		p->fts_flags |= FTS_SYMFOLLOW;
	}
}

static FTSENT *stopped(FTS *s)
{
	s->fts_options |= FTS_STOP;
	return NULL;
}

/* The entry above p, after its last child. */
static FTSENT *leave(FTS *s, FTSENT *last)
{
	FTSENT *p = last->fts_parent;
	int r = 0;

	free(last);
	if (p->fts_level == FTS_ROOTPARENTLEVEL) {
		free(p);
		errno = 0;
		return s->fts_cur = NULL;
	}
	s->fts_cur = p;
	s->fts_path[p->fts_pathlen] = 0;
	if (p->fts_flags & FTS_SYMFOLLOW && p->fts_level != FTS_ROOTLEVEL) {
		r = fts_back_to(s, p->fts_symfd);
		close(p->fts_symfd);
	} else if (!(p->fts_flags & FTS_DONTCHDIR) || p->fts_level == FTS_ROOTLEVEL) {
		r = fts_change_up(s, p);
	}
	if (r < 0)
		return stopped(s);
	p->fts_info = p->fts_errno ? FTS_ERR : FTS_DP;
	return p;
}

/* The entry after p, without going into it. */
static FTSENT *pass(FTS *s, FTSENT *p)
{
	for (;;) {
		FTSENT *was = p;

		p = p->fts_link;
		if (!p)
			return leave(s, was);
		s->fts_cur = p;
		free(was);
		if (p->fts_level == FTS_ROOTLEVEL) {
			if (fts_back_to(s, s->fts_rfd) < 0)
				return stopped(s);
			load(s, p);
			return p;
		}
		if (p->fts_instr == FTS_SKIP)
			continue;
		if (p->fts_instr == FTS_FOLLOW) {
			follow(s, p);
			p->fts_instr = FTS_NOINSTR;
		}
		fts_set_path(s, p);
		return p;
	}
}

/* Into the directory p. */
static FTSENT *descend(FTS *s, FTSENT *p)
{
	if (s->fts_child && IS(FTS_NAMEONLY)) {
		s->fts_options &= ~FTS_NAMEONLY;
		fts_free_list(s->fts_child);
		s->fts_child = NULL;
	}
	if (!s->fts_child) {
		s->fts_child = fts_build(s, READ);
		if (!s->fts_child)
			return IS(FTS_STOP) ? NULL : p;
	} else if (fts_change_to(s, p, -1, p->fts_accpath) < 0) {
		p->fts_errno = errno;
		p->fts_flags |= FTS_DONTCHDIR;
		for (FTSENT *c = s->fts_child; c; c = c->fts_link)
			c->fts_accpath = p->fts_accpath;
	}
	s->fts_cur = s->fts_child;
	s->fts_child = NULL;
	fts_set_path(s, s->fts_cur);
	return s->fts_cur;
}

EXPORT FTSENT *fts_read(FTS *s)
{
	FTSENT *p = s->fts_cur;
	unsigned short instr;

	if (!mounts_redirect)
		return REAL(fts_read)(s);
	if (!p || IS(FTS_STOP))
		return NULL;
	instr = p->fts_instr;
	p->fts_instr = FTS_NOINSTR;
	if (instr == FTS_AGAIN) {
		p->fts_info = fts_look(s, p, 0);
		return p;
	}
	if (instr == FTS_FOLLOW && (p->fts_info == FTS_SL || p->fts_info == FTS_SLNONE)) {
		follow(s, p);
		return p;
	}
	if (p->fts_info != FTS_D)
		return pass(s, p);
	if (instr != FTS_SKIP && (!IS(FTS_XDEV) || p->fts_dev == s->fts_dev))
		return descend(s, p);
	if (p->fts_flags & FTS_SYMFOLLOW)
		close(p->fts_symfd);
	fts_free_list(s->fts_child);
	s->fts_child = NULL;
	p->fts_info = FTS_DP;
	return p;
}

TWIN_OF(fts64_read, fts_read)

/* The names of argv below a parent that is no entry: 0, or -1 and errno. */
static int add_roots(FTS *s, char *const *argv, FTSENT *parent, FTSENT **head)
{
	FTSENT **tail = head;
	size_t n = 0;

	for (; *argv; argv++, n++) {
		FTSENT *p = **argv ? fts_entry(s, *argv, strlen(*argv)) : (errno = ENOENT, NULL);

		if (!p)
			return -1;
		*tail = p;
		p->fts_parent = parent;
		p->fts_accpath = p->fts_name;
		p->fts_info = fts_look(s, p, IS(FTS_COMFOLLOW));
		if (p->fts_info == FTS_DOT)
			p->fts_info = FTS_D;
		tail = &p->fts_link;
	}
	*head = fts_sorted(s, *head, n);
	return 0;
}

static FTS *start(char *const *argv, int options, int (*cmp)(const FTSENT **, const FTSENT **))
{
	FTS *s = calloc(1, sizeof(*s));
	FTSENT *parent, *head = NULL;
	int saved;

	if (!s)
		return NULL;
	s->fts_compar = (int (*)(const void *, const void *))cmp;
	s->fts_options = options & FTS_LOGICAL ? options | FTS_NOCHDIR : options;
	s->fts_path = malloc(FTS_PATH_ROOM);
	parent = s->fts_path ? fts_entry(s, "", 0) : NULL;
	if (parent) {
		parent->fts_level = FTS_ROOTPARENTLEVEL;
		s->fts_cur = fts_entry(s, "", 0);
	}
	if (!s->fts_cur || add_roots(s, argv, parent, &head) < 0) {
		saved = errno;
		fts_free_list(head);
		free(s->fts_cur);
		free(parent);
		free(s->fts_path);
		free(s);
		errno = saved;
		return NULL;
	}
	s->fts_cur->fts_link = head;
	s->fts_cur->fts_parent = parent;
	s->fts_cur->fts_info = FTS_INIT;
	s->fts_rfd = IS(FTS_NOCHDIR) ? -1 : open(".", O_RDONLY | O_CLOEXEC);
	if (s->fts_rfd < 0)
		s->fts_options |= FTS_NOCHDIR;
	return s;
}

EXPORT FTS *fts_open(char *const *argv, int options, int (*cmp)(const FTSENT **, const FTSENT **))
{
	if (!mounts_redirect)
		return REAL(fts_open)(argv, options, cmp);
	if (options & ~FTS_OPTIONMASK) {
		errno = EINVAL;
		return NULL;
	}
	return start(argv, options, cmp);
}

TWIN_OF(fts64_open, fts_open)

EXPORT FTSENT *fts_children(FTS *s, int instr)
{
	FTSENT *p = s->fts_cur;
	enum fts_list type = instr == FTS_NAMEONLY ? NAMES : CHILDREN;
	int fd = -1;

	if (!mounts_redirect)
		return REAL(fts_children)(s, instr);
	errno = instr && instr != FTS_NAMEONLY ? EINVAL : 0;
	if (errno || IS(FTS_STOP) || !p)
		return NULL;
	if (p->fts_info == FTS_INIT)
		return p->fts_link;
	if (p->fts_info != FTS_D)
		return NULL;
	fts_free_list(s->fts_child);
	s->fts_child = NULL;
	if (instr)
		s->fts_options |= FTS_NAMEONLY;
	/* a relative name is where the walk began, and looking there must not move it */
	if (p->fts_level == FTS_ROOTLEVEL && *p->fts_accpath != '/' && !IS(FTS_NOCHDIR)) {
		fd = open(".", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return NULL;
	}
	s->fts_child = fts_build(s, type);
	if (fd >= 0) {
		int r = fchdir(fd);

		close(fd);
		if (r < 0)
			return NULL;
	}
	return s->fts_child;
}

TWIN_OF(fts64_children, fts_children)

EXPORT int fts_set(FTS *s, FTSENT *p, int instr)
{
	if (!mounts_redirect)
		return REAL(fts_set)(s, p, instr);
	if (instr && instr != FTS_AGAIN && instr != FTS_FOLLOW && instr != FTS_NOINSTR &&
	    instr != FTS_SKIP) {
		errno = EINVAL;
		return 1;
	}
	p->fts_instr = (unsigned short)instr;
	return 0;
}

TWIN_OF(fts64_set, fts_set)

EXPORT int fts_close(FTS *s)
{
	FTSENT *p = s->fts_cur, *was;
	int r = 0, saved;

	if (!mounts_redirect)
		return REAL(fts_close)(s);
	while (p) {
		was = p;
		p = p->fts_level == FTS_ROOTPARENTLEVEL ? NULL : p->fts_link ?: p->fts_parent;
		free(was);
	}
	fts_free_list(s->fts_child);
	if (!IS(FTS_NOCHDIR)) {
		r = fchdir(s->fts_rfd);
		saved = errno;
		close(s->fts_rfd);
		if (r < 0)
			errno = saved;
	}
	free(s->fts_path);
	free(s);
	return r;
}

TWIN_OF(fts64_close, fts_close)
