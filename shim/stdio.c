/* SPDX-License-Identifier: MIT */
/*
 * The doors of stdio. A stream is libc's own on the kernel's file; here it is
 * only opened by the right name, and its descriptor becomes ours for the calls
 * a program makes on fileno().
 */
#include "door.h"

/* fopen's mode as open(2) flags; -1 if libc should judge it. */
static int mode_flags(const char *mode)
{
	int flags = *mode == 'r' ? 0 : *mode == 'w' ? O_CREAT | O_TRUNC :
		    *mode == 'a' ? O_CREAT | O_APPEND : -1;
	int access = *mode == 'r' ? O_RDONLY : O_WRONLY;

	if (flags < 0)
		return -1;
	/* glibc looks at the first seven letters, and no further than a comma */
	for (int i = 1; i < 7 && mode[i] && mode[i] != ','; i++)
		switch (mode[i]) {
		case '+': access = O_RDWR; break;
		case 'x': flags |= O_EXCL; break;
		case 'e': flags |= O_CLOEXEC; break;
		}
	return flags | access;
}

static FILE *open_stream(const struct place *p, const char *path, const char *mode)
{
	int flags = mode_flags(mode), fd;
	FILE *s;

	if (flags < 0 || !p->translated)
		return REAL(fopen)(p->path, mode);
	fd = open_at(CALL_fopen, AT_FDCWD, path, flags, 0666);
	if (fd < 0)
		return NULL;
	if ((flags & (O_APPEND | O_WRONLY)) == (O_APPEND | O_WRONLY))
		/* fdopen does not go to the end, fopen does */
		REAL(lseek)(fd, 0, SEEK_END);
	s = fdopen(fd, mode);
	if (!s) {
		int saved = errno;

		fdtab_forget(fd);
		REAL(close)(fd);
		errno = saved;
	}
	return s;
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
	struct place *p = NULL;
	uint64_t t0 = stats_begin();
	int r = place_get(&p, AT_FDCWD, path, 1), translated = 0;
	FILE *s = NULL;

	if (r < 0) {
		errno = -r;
	} else {
		translated = p->translated;
		s = open_stream(p, path, mode);
	}
	if (s && !translated) {
		door_fresh(fileno(s));
		file_attach(fileno(s), mode_flags(mode), p->mount, p->virt);
	}
	if (!translated)
		door_path_end(CALL_fopen, p, t0, !s);
	place_put(p);
	return s;
}

TWIN_OF(fopen64, fopen)

static FILE *reopen_at(const struct place *p, const char *mode, FILE *s)
{
	const struct backend *be = p->mount->be;
	struct stat st;
	int token, saved = errno;
	FILE *r;

	if (!(p->mount->flags & BE_SHRINK) || *mode != 'w' || REAL(stat)(p->path, &st) < 0) {
		errno = saved;
		return REAL(freopen)(p->path, mode, s);
	}
	token = be->shrink_begin(p->mount, st.st_ino);
	r = REAL(freopen)(p->path, mode, s);
	saved = errno;
	be->shrink_end(p->mount, st.st_ino, token);
	errno = saved;
	return r;
}

EXPORT FILE *freopen(const char *path, const char *mode, FILE *s)
{
	struct place *p = NULL;
	FILE *r = NULL;
	int e;

	if (!path)
		return REAL(freopen)(path, mode, s);
	door_fresh(fileno(s));
	e = place_get(&p, AT_FDCWD, path, 1);
	if (e < 0)
		errno = -e;
	else
		r = reopen_at(p, mode, s);
	if (r) {
		door_fresh(fileno(r));
		file_attach(fileno(r), mode_flags(mode), p->mount, p->virt);
	}
	place_put(p);
	return r;
}

TWIN_OF(freopen64, freopen)

EXPORT int fclose(FILE *s)
{
	int saved = errno, fd = fileno(s);

	errno = saved;
	door_fresh(fd);
	return REAL(fclose)(s);
}

EXPORT int fcloseall(void)
{
	return REAL(fcloseall)();
}

EXPORT FILE *tmpfile(void)
{
	FILE *s = REAL(tmpfile)();

	if (s)
		door_fresh(fileno(s));
	return s;
}

TWIN_OF(tmpfile64, tmpfile)

EXPORT FILE *popen(const char *command, const char *mode)
{
	FILE *s = REAL(popen)(command, mode);

	if (s)
		door_fresh(fileno(s));
	return s;
}

EXPORT int pclose(FILE *s)
{
	door_fresh(fileno(s));
	return REAL(pclose)(s);
}
