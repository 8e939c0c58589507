/* SPDX-License-Identifier: MIT */
/*
 * Modification and change times: which calls move them and which leave them.
 * Fails if a write leaves a file looking old, or a read makes it look new.
 */
#include "door.h"

static char b[10000];
static struct stat before;

/* Says which times moved since the last call, and waits so that a next change shows. */
static void moved(int line, const char *what, int fd)
{
	struct stat now, named;

	fstat(fd, &now);
	stat(P("file"), &named);
	say("%d: %s: mtime %s, ctime %s%s", line, what,
	    now.st_mtim.tv_sec != before.st_mtim.tv_sec || now.st_mtim.tv_nsec != before.st_mtim.tv_nsec ? "moved" : "same",
	    now.st_ctim.tv_sec != before.st_ctim.tv_sec || now.st_ctim.tv_nsec != before.st_ctim.tv_nsec ? "moved" : "same",
	    now.st_mtim.tv_nsec == named.st_mtim.tv_nsec && now.st_ctim.tv_nsec == named.st_ctim.tv_nsec ? "" : ", by name another");
	before = now;
	nap();
}
#define MOVED(call) do { (void)!(call); moved(__LINE__, #call, fd); } while (0)

static int differ(const struct timespec *x, const struct timespec *y)
{
	return x->tv_sec != y->tv_sec || x->tv_nsec != y->tv_nsec;
}

/* Every way to look at the file's mtime. */
enum { BY_FSTAT, BY_STAT, BY_LSTAT, BY_FSTATAT, BY_STATX, BY_STATX_FD, BY_SPAWN, BY_CHILD, LOOKS };

static struct timespec look(int how, int fd)
{
	struct timespec t = { 0, 0 };
	struct stat st = { 0 };
	struct statx x = { 0 };
	char command[PATH_MAX + 600];
	int v[2];
	pid_t pid;
	FILE *f;
	long n = 0;

	switch (how) {
	case BY_FSTAT:
		fstat(fd, &st);
		return st.st_mtim;
	case BY_STAT:
		stat(P("file"), &st);
		return st.st_mtim;
	case BY_LSTAT:
		lstat(P("file"), &st);
		return st.st_mtim;
	case BY_FSTATAT:
		fstatat(fd, "", &st, AT_EMPTY_PATH);
		return st.st_mtim;
	case BY_STATX:
	case BY_STATX_FD:
		if (how == BY_STATX)
			statx(AT_FDCWD, P("file"), 0, STATX_MTIME, &x);
		else
			statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x);
		t.tv_sec = x.stx_mtime.tv_sec;
		t.tv_nsec = x.stx_mtime.tv_nsec;
		return t;
	case BY_SPAWN:
		/* a program of its own; its digits as a number, for they are only compared */
		snprintf(command, sizeof(command), "stat -c %%y '%s' | cksum", P("file"));
		f = popen(command, "r");
		if (f && fscanf(f, "%ld", &n) == 1)
			t.tv_sec = n;
		if (f)
			pclose(f);
		return t;
	default:
		pipe(v);
		pid = split();
		if (!pid) {
			stat(P("file"), &st);
			write(v[1], &st.st_mtim, sizeof(st.st_mtim));
			_exit(0);
		}
		read(v[0], &t, sizeof(t));
		waitpid(pid, NULL, 0);
		close(v[0]);
		close(v[1]);
		return t;
	}
}

/* A write after the times were looked at, or set, however soon. */
static void looked_at(void)
{
	struct timespec old[2] = { { 1000, 0 }, { 2000, 0 } };
	struct timeval old_tv[2] = { { 1000, 0 }, { 2000, 0 } };
	int fd = open(P("file"), O_RDWR), kept = 0;
	struct stat st;

	for (int i = 0; i < 100; i++)
		pwrite(fd, b, 64, 0);
	for (int i = 0; i < 200; i++) {
		pwrite(fd, b, 8, 0);
		if (i % 3 == 0)
			futimens(fd, old);
		else if (i % 3 == 1)
			utimensat(AT_FDCWD, P("file"), old, 0);
		else
			utimes(P("file"), old_tv);
		pwrite(fd, b, 8, 0);
		stat(P("file"), &st);
		kept += st.st_mtim.tv_sec == 2000;
	}
	say("writes after the time was set that did not move it %d", kept);
	/* set by another process */
	kept = 0;
	for (int i = 0; i < 20; i++) {
		pid_t pid;

		pwrite(fd, b, 8, 0);
		pid = split();
		if (!pid) {
			futimens(fd, old);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		pwrite(fd, b, 8, 0);
		stat(P("file"), &st);
		kept += st.st_mtim.tv_sec == 2000;
	}
	say("likewise, set by another process %d", kept);
	for (int how = 0; how < LOOKS; how++) {
		int same = 0;

		for (int i = 0; i < 3; i++) {
			struct timespec one, two;

			pwrite(fd, b, 8, 0);
			one = look(how, fd);
			nap();
			for (int k = 0; k <= i; k++)
				pwrite(fd, b, 8, 0);
			two = look(how, fd);
			same += !differ(&one, &two) || !two.tv_sec;
		}
		say("look %d: writes later that did not move it %d", how, same);
	}
	close(fd);
}

static void door(void)
{
	struct timespec old[2] = { { 1000, 0 }, { 2000, 0 } };
	struct iovec v = { b, 100 };
	int fd, other;

	make(P("file"), 9000, 1);
	fd = open(P("file"), O_RDWR);
	other = open(P("file"), O_RDWR);
	fstat(fd, &before);
	nap();
	MOVED(pread(fd, b, 100, 0));
	MOVED(read(fd, b, 5000));
	MOVED(pwrite(fd, b, 10, 0));
	MOVED(pwrite(fd, b, 5000, 100));
	MOVED(write(fd, b, 10));
	MOVED(pwritev(fd, &v, 1, 0));
	MOVED(pwrite(other, b, 1, 0));
	MOVED(pwrite(fd, b, 0, 0));
	MOVED(pwrite(fd, bad_page(), 10, 0));
	MOVED(pwrite(fd, b, 10, 20000));
	MOVED(ftruncate(fd, 9000));
	MOVED(ftruncate(fd, 9000));
	MOVED(truncate(P("file"), 9000));
	MOVED(ftruncate(fd, 12000));
	MOVED(fallocate(fd, 0, 0, 5000));
	MOVED(fallocate(fd, 0, 0, 15000));
	MOVED(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	MOVED(fsync(fd));
	MOVED(fchmod(fd, 0600));
	MOVED(lseek(fd, 0, SEEK_SET));
	MOVED(futimens(fd, old));
	say("mtime %lld", (long long)before.st_mtim.tv_sec);
	MOVED(pread(fd, b, 100, 0));
	MOVED(pwrite(fd, b, 100, 0));
	MOVED(futimens(fd, old));
	/* set while another writes: the last call counts, also much later */
	MOVED(pwrite(other, b, 100, 0));
	MOVED(utimensat(AT_FDCWD, P("file"), old, 0));
	MOVED(close(other));
	say("mtime %lld", (long long)before.st_mtim.tv_sec);
	close(open(P("file"), O_RDWR));
	MOVED(0);
	say("mtime %lld", (long long)before.st_mtim.tv_sec);
	/* the child's write is seen */
	pid_t pid = split();
	if (!pid) {
		pwrite(fd, "child", 5, 0);
		_exit(0);
	}
	WAIT(pid);
	MOVED(0);
	looked_at();
	/* in order, for make(1): b is not older than a */
	struct stat a1, b1;
	int f1 = open(P("first"), O_RDWR | O_CREAT, 0644), f2 = open(P("second"), O_RDWR | O_CREAT, 0644);
	pwrite(f1, b, 100, 0);
	pwrite(f2, b, 100, 0);
	nap();
	pwrite(f1, b, 100, 0);
	nap();
	pwrite(f2, b, 100, 0);
	stat(P("first"), &a1);
	stat(P("second"), &b1);
	say("second is newer: %d", b1.st_mtim.tv_sec > a1.st_mtim.tv_sec ||
	    (b1.st_mtim.tv_sec == a1.st_mtim.tv_sec && b1.st_mtim.tv_nsec > a1.st_mtim.tv_nsec));
}
