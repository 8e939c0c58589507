/* SPDX-License-Identifier: MIT */
/*
 * The canonical name of a file: libc's own walk of it (stdlib/canonicalize.c),
 * made through our doors, so that what it finds, how it fails and what it leaves
 * in the buffer are the same.
 */
#include <string.h>

#include "door.h"

#define LINKS_MAX 40

/* Whether what follows a component only makes sense behind a directory: "/", "/.", "/..". */
static int wants_directory(const char *rest)
{
	while (*rest == '/') {
		rest += strspn(rest, "/");
		if (!*rest)
			return 1;
		if (*rest++ != '.')
			return 0;
		if (!*rest || (*rest == '.' && (!rest[1] || rest[1] == '/')))
			return 1;
	}
	return 0;
}

/* Whether name, which is no link (errno says what readlink said), may be passed. */
static int passable(char *name, const char *rest)
{
	size_t n = strlen(name);
	int r;

	if (!wants_directory(rest))
		return errno == EINVAL;
	strcpy(name + n, "/");
	r = access(name, F_OK) == 0 || errno == EOVERFLOW;
	name[n] = 0;
	return r;
}

static void up(char *name)
{
	char *slash = strrchr(name, '/');

	slash[slash == name] = 0;
}

/* Puts the link's text before the rest, in place; where to go on. NULL and errno if it does not fit. */
static const char *follow(struct place *p, const char *rest, size_t n)
{
	size_t left = strlen(rest);

	if (++p->links > LINKS_MAX || n + left >= sizeof(p->rest)) {
		errno = p->links > LINKS_MAX ? ELOOP : ENAMETOOLONG;
		return NULL;
	}
	memmove(p->rest + n, rest, left + 1);
	memcpy(p->rest, p->link, n);
	if (*p->rest == '/')
		strcpy(p->real, "/");
	else
		up(p->real);
	return p->rest;
}

/* One component of n bytes, not a dot; where to go on, or NULL and errno. */
static const char *step(struct place *p, const char *s, size_t n)
{
	size_t len = strlen(p->real);
	ssize_t r;

	if (len + n + 3 > sizeof(p->real)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	if (p->real[len - 1] != '/')
		p->real[len++] = '/';
	memcpy(p->real + len, s, n);
	p->real[len + n] = 0;
	r = readlink(p->real, p->link, sizeof(p->link));
	if (r >= 0)
		return follow(p, s + n, (size_t)r);
	return passable(p->real, s + n) ? s + n : NULL;
}

/* Walks p->rest; p->real is how far it came. 0, or -1 and errno. */
static int walk(struct place *p)
{
	const char *s = p->rest;

	while (s) {
		size_t n;

		s += strspn(s, "/");
		n = strcspn(s, "/");
		if (!n)
			return 0;
		if (n == 2 && s[0] == '.' && s[1] == '.')
			up(p->real), s += n;
		else if (n == 1 && *s == '.')
			s += n;
		else
			s = step(p, s, n);
	}
	return -1;
}

/* libc's contract: a buffer of PATH_MAX bytes also gets what could not be passed. */
static char *give(const struct place *p, int r, char *resolved)
{
	if (!resolved)
		return r < 0 ? NULL : strdup(p->real);
	if (strlen(p->real) >= PATH_MAX) {
		if (r == 0)
			errno = ENAMETOOLONG;
		return NULL;
	}
	if (r == 0 || errno == ENOENT || errno == EACCES)
		strcpy(resolved, p->real);
	return r < 0 ? NULL : resolved;
}

static char *canonical(const char *path, char *resolved)
{
	struct place *p;
	char *result = NULL;
	int r = place_get(&p, AT_FDCWD, "", 0);

	if (r < 0) {
		errno = -r;
		return NULL;
	}
	if (strlen(path) >= sizeof(p->rest)) {
		errno = ENAMETOOLONG;
	} else if (*path == '/' ? (strcpy(p->real, "/"), 1) : getcwd(p->real, PATH_MAX) != NULL) {
		strcpy(p->rest, path);
		p->links = 0;
		r = walk(p);
		result = give(p, r, resolved);
	}
	place_put(p);
	return result;
}

EXPORT char *realpath(const char *path, char *resolved)
{
	uint64_t t0 = stats_begin();
	char *result;

	if (!mounts_redirect || !path || !*path)
		result = REAL(realpath)(path, resolved);
	else
		result = canonical(path, resolved);
	door_path_end(CALL_realpath, NULL, t0, !result);
	return result;
}

EXPORT char *__realpath_chk(const char *path, char *resolved, size_t len)
{
	return len < PATH_MAX ? REAL(__realpath_chk)(path, resolved, len)
			      : realpath(path, resolved);
}

EXPORT char *canonicalize_file_name(const char *path)
{
	return realpath(path, NULL);
}
