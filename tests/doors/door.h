/* SPDX-License-Identifier: MIT */
/*
 * What the door programs share. A door makes calls on files in one directory
 * and prints what each returned: a transcript, in which nothing varies from
 * run to run. The native run says what is right (doors.sh compares).
 *
 * One source is built several ways, so that every name a call has is used:
 * as it stands; with -D_FILE_OFFSET_BITS=64; fortified; BY_NUMBER, through
 * syscall(2); TWINS, through the names of older binaries; and IN_CONSTRUCTOR,
 * as a library that does it all before main.
 */
#ifndef DOOR_H
#define DOOR_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#ifndef CLOSE_RANGE_UNSHARE
#include <linux/close_range.h>
#endif

static const char *dir;     /* the directory the door works in */
static size_t dirlen;

static void door(void);     /* the test itself */

/* DIR/name; the last 16 results stay valid. */
__attribute__((unused)) static char *P(const char *name)
{
	static char ring[16][PATH_MAX + 600];
	static unsigned next;
	char *s = ring[next++ % 16];

	snprintf(s, sizeof(ring[0]), "%s/%s", dir, name);
	return s;
}

/*
 * Whether files here may be opened with O_DIRECT natively: tmpfs takes it since
 * Linux 6.6. A mem rule's files do, whatever the kernel.
 */
__attribute__((unused)) static int takes_direct(void)
{
	char path[40];
	struct statfs here;
	int m, fd;

	if (statfs(dir, &here) < 0 || here.f_type != 0x01021994)        /* TMPFS_MAGIC */
		return 1;
	m = memfd_create("x", 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", m);
	fd = open(path, O_RDWR | O_DIRECT);
	close(m);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* What the compiler must not know the value or size of. */
#define OPAQUE(x) __extension__ ({ __typeof__((x) + 0) o_ = (x); __asm__ volatile("" : "+r"(o_)); o_; })

/* Copies a program or library. */
__attribute__((unused)) static void copy(const char *from, const char *to)
{
	static char b[1 << 16];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n;

	while ((n = read(in, b, sizeof(b))) > 0)
		write(out, b, (size_t)n);
	close(in);
	close(out);
}

/* Whether the rule has fifos, sockets and devices. */
__attribute__((unused)) static bool has_nodes(void)
{
	return !getenv("NO_NODES");
}

/* "EBADF" for 9. */
__attribute__((unused)) static const char *name_of(int e)
{
	const char *s = e ? strerrorname_np(e) : "0";

	return s ? s : "E?";
}

__attribute__((unused, format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* A path as the transcript may show it: the door's own directory is DIR. */
__attribute__((unused)) static const char *shown(const char *path)
{
	static char s[2 * PATH_MAX];

	if (!path)
		return "(null)";
	if (!strncmp(path, dir, dirlen) && (path[dirlen] == '/' || !path[dirlen]))
		snprintf(s, sizeof(s), "DIR%s", path + dirlen);
	else
		snprintf(s, sizeof(s), "%s", path);
	return s;
}

#define UNTOUCHED 1234      /* errno before each call; a success leaves it */

__attribute__((unused)) static long result(int line, const char *text, long r)
{
	int e = errno;

	if (r == -1)
		say("%d: %s = -1 %s", line, text, name_of(e));
	else if (e != UNTOUCHED)
		say("%d: %s = %ld, but errno %s", line, text, r, name_of(e));
	else
		say("%d: %s = %ld", line, text, r);
	errno = e;
	return r;
}

/* Makes the call, prints it and what it returned, is its value. */
#define CALL(expr) result(__LINE__, #expr, (errno = UNTOUCHED, (long)(expr)))

/* Likewise for a call that returns a pointer: prints whether it did. */
#define PTR(expr) __extension__ ({ \
	errno = UNTOUCHED; \
	__typeof__(expr) p_ = (expr); \
	result(__LINE__, #expr, p_ && (long)p_ != -1 ? 0 : -1); \
	p_; })

/* Likewise for a call that returns an error number. */
#define ERR(expr) __extension__ ({ \
	errno = UNTOUCHED; \
	int e_ = (expr); \
	say("%d: %s = %s%s", __LINE__, #expr, name_of(e_), errno == UNTOUCHED ? "" : ", and errno touched"); \
	e_; })

/* The same where errno is nobody's promise: libc's posix_spawnp leaves the ENOENT of what it tried in PATH. */
#define ERR_ALONE(expr) say("%d: %s = %s", __LINE__, #expr, name_of(expr))

__attribute__((unused)) static uint32_t sum(const void *data, size_t n)
{
	const unsigned char *p = data;
	uint32_t h = 2166136261u;

	while (n--)
		h = (h ^ *p++) * 16777619u;
	return h;
}

/* Bytes that differ from place to place and from seed to seed. */
__attribute__((unused)) static void pattern(void *data, size_t n, unsigned seed)
{
	unsigned char *p = data;
	uint32_t x = seed * 2654435761u + 12345;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		p[i] = (unsigned char)(x >> 24) | 1;
	}
}

#define BYTES(data, n) bytes(__LINE__, #data, data, n)
__attribute__((unused)) static void bytes(int line, const char *text, const void *data, long n)
{
	if (n >= 0)
		say("%d: %s: %ld bytes, %08x", line, text, n, sum(data, (size_t)n));
}

/* A file of n bytes of the seed's pattern. */
__attribute__((unused)) static void make(const char *path, size_t n, unsigned seed)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	char *data = malloc(n + 1);

	if (fd < 0 || !data) {
		say("make %s: %s", shown(path), strerror(errno));
		exit(1);
	}
	pattern(data, n, seed);
	for (size_t done = 0; done < n; ) {
		ssize_t r = write(fd, data + done, n - done);

		if (r <= 0) {
			say("make %s: write: %s", shown(path), strerror(errno));
			exit(1);
		}
		done += (size_t)r;
	}
	free(data);
	close(fd);
}

/* Size and sum of all there is behind a descriptor, by pread. */
#define CONTENT(fd) content(__LINE__, #fd, fd)
__attribute__((unused)) static void content(int line, const char *text, int fd)
{
	static char buf[1 << 16];
	uint32_t h = 0;
	off_t off = 0;
	struct stat st;
	ssize_t r;

	while ((r = pread(fd, buf, sizeof(buf), off)) > 0) {
		h = h * 31 + sum(buf, (size_t)r);
		off += r;
		if (off > 64 << 20)
			break;
	}
	if (fstat(fd, &st))
		st.st_size = -1;
	say("%d: content of %s: size %lld, read %lld%s%s, %08x", line, text,
	    (long long)st.st_size, (long long)off, r < 0 ? " then " : "",
	    r < 0 ? name_of(errno) : "", h);
}

/* Likewise by path. */
#define FILE_AT(path) file_at(__LINE__, path)
__attribute__((unused)) static void file_at(int line, const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0) {
		say("%d: %s: %s", line, shown(path), name_of(errno));
		return;
	}
	content(line, shown(path), fd);
	close(fd);
}

/* Whether [off, off + n) of fd is the seed's pattern from its start. */
__attribute__((unused)) static bool is_pattern(int fd, off_t off, size_t n, unsigned seed)
{
	char *want = malloc(n), *got = malloc(n);
	bool same;

	pattern(want, n, seed);
	same = pread(fd, got, n, off) == (ssize_t)n && !memcmp(want, got, n);
	free(want);
	free(got);
	return same;
}

/* A page that faults when touched. */
__attribute__((unused)) static char *bad_page(void)
{
	static char *page;

	if (!page)
		page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return page;
}

/* The end of a readable, writable page, followed by one that faults. */
__attribute__((unused)) static char *cliff(void)
{
	static char *two;

	if (!two) {
		two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(two + 4096, 4096, PROT_NONE);
	}
	return two + 4096;
}

__attribute__((unused)) static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000 * 1000 }, NULL);
}

/*
 * Until a child sleeps, in the call it has to be in: one that is only not run yet is "R". For twenty
 * seconds at most.
 */
__attribute__((unused)) static void until_asleep(pid_t pid)
{
	char path[32], stat[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (int i = 0, slept = 0; i < 1000 && slept < 5; i++) {
		int fd = open(path, O_RDONLY);
		ssize_t n = read(fd, stat, sizeof(stat) - 1);
		const char *state;

		close(fd);
		stat[n < 0 ? 0 : n] = '\0';
		state = strrchr(stat, ')');
		slept = state && state[1] && state[2] == 'S' ? slept + 1 : 0;
		nap();
	}
}

/* SIGALRM after a while, and again and again: the call that it is to end may begin late. 0 ends it. */
__attribute__((unused)) static void alarms_each(int ms)
{
	struct timeval t = { ms / 1000, ms % 1000 * 1000 };

	setitimer(ITIMER_REAL, &(struct itimerval){ t, t }, NULL);
}

/* Prints how a child ended. */
#define WAIT(pid) wait_for(__LINE__, pid)
__attribute__((unused)) static void wait_for(int line, pid_t pid)
{
	int status = 0;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		say("%d: no child", line);
	else if (WIFSIGNALED(status))
		say("%d: child killed by signal %d", line, WTERMSIG(status));
	else
		say("%d: child exited %d", line, WEXITSTATUS(status));
}

/* Root no more passes by the permissions of files, though it owns the same ones. */
__attribute__((unused)) static void powerless(void)
{
	struct { uint32_t version; int pid; } head = { 0x20080522, 0 };
	uint32_t data[6] = { 0 };

	syscall(SYS_capset, &head, data);
}

/* fork, with nothing printed twice */
__attribute__((unused)) static pid_t split(void)
{
	fflush(stdout);
	return fork();
}

__attribute__((unused)) static void run(const char *directory)
{
	static char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", directory);
	dir = copy;
	dirlen = strlen(dir);
	umask(022);
	door();
	fflush(stdout);
}

#ifdef IN_CONSTRUCTOR
__attribute__((constructor)) static void before_main(void)
{
	const char *d = getenv("DOOR_DIR");

	if (!d)
		return;
	d = strdup(d);
	unsetenv("DOOR_DIR");
	run(d);
	_exit(0);
}
#else
int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	run(argv[1]);
	return 0;
}
#endif

#ifdef BY_NUMBER
#include "by_number.h"
#endif
#ifdef TWINS
#include "twins.h"
#endif

#endif
