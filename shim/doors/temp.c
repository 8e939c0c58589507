/* SPDX-License-Identifier: MIT */
/*
 * Names that are not in use yet. Where a rule redirects, libc would look for
 * them in the wrong place: there they are made up here and tried through our
 * own doors.
 */
#include <string.h>
#include <sys/random.h>

#include "door.h"

#define TRIES (62 * 62 * 62)     /* as many as libc's */

static void make_up(char *letters)
{
	static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static _Atomic uint64_t count;
	uint64_t x;

	if (getrandom(&x, sizeof(x), GRND_NONBLOCK) != sizeof(x))
		x = ((uint64_t)getpid() << 32 ^ (uintptr_t)letters) * 0x9e3779b97f4a7c15u + count++;
	for (int i = 0; i < 6; i++, x /= 62)
		letters[i] = all[x % 62];
}

/* What a template is tried with; each returns -1 and errno, EEXIST for "another". */
struct attempt {
	int (*make)(const char *path, const struct attempt *a);
	enum call call;
	int flags;
};

static int make_file(const char *path, const struct attempt *a)
{
	return open_at(a->call, AT_FDCWD, path, (a->flags & ~O_ACCMODE) | O_RDWR | O_CREAT | O_EXCL, 0600);
}

static int make_directory(const char *path, const struct attempt *a)
{
	(void)a;
	return mkdir(path, 0700);
}

static int make_nothing(const char *path, const struct attempt *a)
{
	struct stat st;

	(void)a;
	if (lstat(path, &st) == 0 || errno == EOVERFLOW)
		errno = EEXIST;
	else if (errno == ENOENT)
		return 0;
	return -1;
}

/* The X's before the suffix become letters; what `make` returned, or -1 and errno. */
static int try_names(char *template, int suffix, const struct attempt *a)
{
	size_t len = strlen(template);
	int saved = errno, r;
	char *x;

	if (suffix < 0 || len < 6 + (size_t)suffix ||
	    memcmp(x = template + len - 6 - suffix, "XXXXXX", 6) != 0) {
		errno = EINVAL;
		return -1;
	}
	for (int i = 0; i < TRIES; i++) {
		make_up(x);
		r = a->make(template, a);
		if (r >= 0 || errno != EEXIST) {
			if (r >= 0)
				errno = saved;
			return r;
		}
	}
	return -1;
}

/* Nothing redirects: libc's, and what it made is attributed to its rule. */
static int native_file(enum call call, char *template, int suffix, int flags)
{
	struct place *p = NULL;
	uint64_t t0 = stats_begin();
	int fd = -1, r = mounts_count ? place_get(&p, AT_FDCWD, template, 0) : 0;

	if (r < 0)
		errno = -r;
	else
		fd = door_fresh(REAL(mkostemps)(template, suffix, flags));
	if (fd >= 0)
		file_attach(fd, O_RDWR | flags, p ? p->mount : &mount_none, NULL);
	door_path_end(call, p, t0, fd < 0);
	place_put(p);
	return fd;
}

static int temp_file(enum call call, char *template, int suffix, int flags)
{
	const struct attempt a = { make_file, call, flags };

	return mounts_redirect ? try_names(template, suffix, &a)
			       : native_file(call, template, suffix, flags);
}

EXPORT int mkstemp(char *template)
{
	return temp_file(CALL_mkstemp, template, 0, 0);
}

EXPORT int mkostemp(char *template, int flags)
{
	return temp_file(CALL_mkostemp, template, 0, flags);
}

EXPORT int mkstemps(char *template, int suffix)
{
	return temp_file(CALL_mkstemps, template, suffix, 0);
}

EXPORT int mkostemps(char *template, int suffix, int flags)
{
	return temp_file(CALL_mkostemps, template, suffix, flags);
}

TWIN_OF(mkstemp64, mkstemp)
TWIN_OF(mkostemp64, mkostemp)
TWIN_OF(mkstemps64, mkstemps)
TWIN_OF(mkostemps64, mkostemps)

EXPORT char *mkdtemp(char *template)
{
	static const struct attempt a = { .make = make_directory };

	if (!mounts_redirect)
		return REAL(mkdtemp)(template);
	return try_names(template, 0, &a) < 0 ? NULL : template;
}

static const struct attempt nothing = { .make = make_nothing };

EXPORT char *mktemp(char *template)
{
	if (!mounts_redirect)
		return REAL(mktemp)(template);
	if (try_names(template, 0, &nothing) < 0)
		*template = 0;
	return template;
}

static int is_directory(const char *path)
{
	struct stat st;

	return path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* "DIR/pfxXXXXXX" of at most `size` bytes, its X's replaced; NULL and errno if it cannot be. */
static char *name_in(const char *directory, const char *prefix, char *buf, size_t size)
{
	int n = (int)strlen(directory);

	while (n > 1 && directory[n - 1] == '/')
		n--;
	if (!prefix || !*prefix)
		prefix = "file";
	if ((size_t)snprintf(buf, size, "%.*s/%.5sXXXXXX", n, directory, prefix) >= size) {
		errno = EINVAL;
		return NULL;
	}
	return try_names(buf, 0, &nothing) < 0 ? NULL : buf;
}

EXPORT char *tempnam(const char *directory, const char *prefix)
{
	const char *tmpdir = secure_getenv("TMPDIR");
	char buf[FILENAME_MAX];

	if (!mounts_redirect)
		return REAL(tempnam)(directory, prefix);
	if (is_directory(tmpdir))
		directory = tmpdir;
	else if (!is_directory(directory))
		directory = is_directory(P_tmpdir) ? P_tmpdir : NULL;
	if (!directory) {
		errno = ENOENT;
		return NULL;
	}
	return name_in(directory, prefix, buf, sizeof(buf)) ? strdup(buf) : NULL;
}

EXPORT char *tmpnam_r(char buf[L_tmpnam])
{
	if (!mounts_redirect)
		return REAL(tmpnam_r)(buf);
	return buf ? name_in(P_tmpdir, NULL, buf, L_tmpnam) : NULL;
}

EXPORT char *tmpnam(char buf[L_tmpnam])
{
	static char own[L_tmpnam];

	return mounts_redirect ? tmpnam_r(buf ? buf : own) : REAL(tmpnam)(buf);
}
