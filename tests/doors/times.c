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
