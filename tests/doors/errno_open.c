/* SPDX-License-Identifier: MIT */
/*
 * open and its relatives with each flag that changes how a name is taken, on
 * names that make it fail; and the forms with a directory's descriptor, with
 * each kind of descriptor. What a success gives is looked at.
 * not: uring uring,engine=ring
 */
#include "errnos.h"

/* Closes what was opened, and says what it is. */
static int kind(int fd)
{
	struct stat st;
	int flags;

	if (fd < 0)
		return -1;
	fstat(fd, &st);
	flags = fcntl(fd, F_GETFL);
	say("  a descriptor of type %o, %s, flags %o", (unsigned)(st.st_mode & S_IFMT),
	    fcntl(fd, F_GETFD) ? "closed at exec" : "inherited", (unsigned)flags & ~0100000u);
	close(fd);
	return 0;
}

/* A fifo is opened without waiting. */
#define OPEN(flags) looking = !((flags) & (O_CREAT | O_TRUNC)); EACH_PATH(kind(open(path, (flags) | O_NONBLOCK, 0644)))

/* Whether this kernel refuses O_CREAT with O_DIRECTORY, whatever the path: since Linux 6.4. */
static int both_refused(void)
{
	return open("/", O_RDONLY | O_DIRECTORY | O_CREAT, 0644) < 0 && errno == EINVAL;
}

static void flags(void)
{
	OPEN(O_RDONLY);
	OPEN(O_WRONLY);
	OPEN(O_RDWR | O_CLOEXEC);
	OPEN(O_RDONLY | O_CREAT);
	OPEN(O_RDWR | O_CREAT | O_EXCL);
	OPEN(O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
	OPEN(O_WRONLY | O_TRUNC);
	OPEN(O_RDONLY | O_NOFOLLOW);
	OPEN(O_RDONLY | O_DIRECTORY);
	OPEN(O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (both_refused()) {
		CALL(open(P("file"), O_RDONLY | O_DIRECTORY | O_CREAT, 0644));
		CALL(open(P("file/."), O_RDONLY | O_DIRECTORY | O_CREAT, 0644));
		CALL(open(P("dir/"), O_RDONLY | O_DIRECTORY | O_CREAT, 0644));
	}
	OPEN(O_PATH);
	OPEN(O_PATH | O_NOFOLLOW);
	OPEN(O_PATH | O_DIRECTORY);
	OPEN(O_RDWR | O_TMPFILE);
	CALL(open(P("dir"), O_RDONLY | O_TMPFILE, 0644));
	OPEN(O_WRONLY | O_TMPFILE | O_EXCL);
	OPEN(O_WRONLY | O_APPEND);
	OPEN(3);
	looking = 0;
}

static const char *const at[] = { "file", "none", "none/x", "link", "dangling", "..", ".", "", "file/", "../file" };

/* `call`, in d and path, at each kind of descriptor. */
#define EACH_AT(call) do {                                                    \
	for (size_t j_ = 0; j_ < COUNT(places); j_++) {                       \
		int d = places[j_].fd;                                        \
		*line = 0;                                                    \
		for (size_t i_ = 0; i_ < COUNT(at); i_++) {                   \
			const char *path = at[i_];                            \
			outcome(*at[i_] ? at[i_] : "empty", (long)(call));    \
		}                                                             \
		outcome("absolute", ({ const char *path = P("file"); (long)(call); })); \
		outcome("bad", ({ const char *path = bad_page(); (long)(call); })); \
		say("%d: %s at %s:%s", __LINE__, #call, places[j_].what, line); \
	}                                                                     \
} while (0)

static void relative(void)
{
	struct { const char *what; int fd; } places[] = {
		{ "dir", open(P("dlink"), O_RDONLY | O_DIRECTORY) }, { "path", open(P("dir"), O_PATH) },
		{ "file", open(P("file"), O_RDONLY) }, { "filepath", open(P("file"), O_PATH) },
		{ "linkpath", open(P("link"), O_PATH | O_NOFOLLOW) }, { "closed", -1 }, { "none", 900 },
		{ "cwd", AT_FDCWD },
	};
	struct stat st;
	struct statx stx;
	char b[64];

	chmod(P("closed"), 0700);
	CALL(chdir(P("dir")));
	EACH_AT(fstatat(d, path, &st, 0));
	EACH_AT(fstatat(d, path, &st, AT_SYMLINK_NOFOLLOW));
	EACH_AT(fstatat(d, path, &st, AT_EMPTY_PATH));
	EACH_AT(fstatat(d, path, &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
	EACH_AT(statx(d, path, AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_SIZE, &stx));
	EACH_AT(faccessat(d, path, R_OK, 0));
	EACH_AT(faccessat(d, path, F_OK, AT_SYMLINK_NOFOLLOW));
	EACH_AT(faccessat(d, path, R_OK, AT_EMPTY_PATH));
	EACH_AT(readlinkat(d, path, b, sizeof(b)));
	EACH_AT(kind(openat(d, path, O_RDONLY)));
	EACH_AT(kind(openat(d, path, O_PATH | O_NOFOLLOW)));
	EACH_AT(fchmodat(d, path, 0755, 0));
	EACH_AT(fchownat(d, path, (uid_t)-1, (gid_t)-1, AT_EMPTY_PATH));
	EACH_AT(fchownat(d, path, (uid_t)-1, (gid_t)-1, AT_SYMLINK_NOFOLLOW));
	EACH_AT(utimensat(d, path, NULL, 0));
	EACH_AT(mkdirat(d, path, 0755));
	unlinkat(AT_FDCWD, P("dir/none"), AT_REMOVEDIR);
	EACH_AT(symlinkat("text", d, path));
	EACH_AT(unlinkat(d, path, AT_REMOVEDIR));
	for (size_t i = 0; i < COUNT(places); i++)
		close(places[i].fd);
	CALL(chdir("/"));
	build();
}

/* A file without a name, and given one. */
static void nameless(void)
{
	char proc[64];
	struct stat st;
	int fd = CALL(open(P("dir"), O_TMPFILE | O_RDWR, 0640));

	CALL(write(fd, "nameless", 8));
	CALL(fstat(fd, &st));
	say("%o %lld %d", (unsigned)st.st_mode, (long long)st.st_size, (int)st.st_nlink);
	sprintf(proc, "/proc/self/fd/%d", fd);
	CALL(linkat(AT_FDCWD, proc, AT_FDCWD, P("dir/named"), AT_SYMLINK_FOLLOW));
	FILE_AT(P("dir/named"));
	CALL(linkat(fd, "", AT_FDCWD, P("dir/again"), AT_EMPTY_PATH));
	CALL(close(fd));
	fd = CALL(open(P("dir"), O_TMPFILE | O_RDWR | O_EXCL, 0640));
	sprintf(proc, "/proc/self/fd/%d", fd);
	CALL(linkat(AT_FDCWD, proc, AT_FDCWD, P("dir/excl"), AT_SYMLINK_FOLLOW));
	/* another program has it all the same */
	CALL(dup2(fd, 9));
	CALL(system("echo through another >&9; cat /dev/fd/9"));
	CONTENT(fd);
	CALL(close(9));
	CALL(close(fd));
}

/* Through /proc and /dev. */
static void magic(void)
{
	char proc[64], b[PATH_MAX];
	int fd = open(P("file"), O_RDONLY), d = open(P("dir"), O_RDONLY | O_DIRECTORY), path = open(P("file"), O_PATH);
	struct stat st;
	ssize_t n;

	CALL(chdir(P("dir")));
	CALL(stat("/proc/self/cwd/in", &st));
	CALL(open("/proc/self/cwd/none", O_RDONLY));
	CALL(open("/proc/self/cwd/../file/x", O_RDONLY));
	sprintf(proc, "/proc/self/fd/%d/in", d);
	CALL(stat(proc, &st));
	sprintf(proc, "/dev/fd/%d/../link", d);
	CALL(lstat(proc, &st));
	say("%d", S_ISLNK(st.st_mode));
	sprintf(proc, "/proc/self/fd/%d/x", fd);
	CALL(open(proc, O_RDONLY));
	sprintf(proc, "/proc/self/fd/%d", path);
	CALL(kind(open(proc, O_RDWR)));
	sprintf(proc, "/dev/fd/%d", fd);
	CALL(kind(open(proc, O_WRONLY)));
	CALL(open(proc, O_RDONLY | O_DIRECTORY));
	CALL(open(proc, O_RDONLY | O_NOFOLLOW));
	n = readlink(proc, b, sizeof(b) - 1);
	say("%s", n < 0 ? name_of(errno) : (b[n] = 0, shown(b)));
	n = readlinkat(path, "", b, sizeof(b) - 1);
	say("%zd %s", n, n < 0 ? name_of(errno) : "");
	CALL(chdir("/"));
	CALL(fchdir(d));
	say("%s", shown(getcwd(b, sizeof(b))));
	CALL(fchdir(fd));
	CALL(fchdir(path));
	CALL(chdir("/"));
	close(fd), close(d), close(path);
}

static void door(void)
{
	begin();
	flags();
	relative();
	nameless();
	magic();
}
