/* SPDX-License-Identifier: MIT */
/*
 * cancel DIR: a thread with a cancellation pending ends in the first call
 * that is a cancellation point, and in no other; its cleanup handlers do I/O;
 * nothing it held stays held.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *dir;
static int fd, fd_append;
static char buf[8192];
static struct iovec iov = { buf, 4096 };
static struct stat st;
static int cleaned;

#define CALLS(X)                                                              \
	X(pread, pread(fd, buf, 4096, 0))                                     \
	X(pwrite, pwrite(fd, buf, 4096, 0))                                   \
	X(read, read(fd, buf, 1))                                             \
	X(write, write(fd, buf, 1))                                           \
	X(preadv, preadv(fd, &iov, 1, 0))                                     \
	X(pwritev, pwritev(fd, &iov, 1, 0))                                   \
	X(readv, readv(fd, &iov, 1))                                          \
	X(writev, writev(fd_append, &iov, 1))                                 \
	X(fsync, fsync(fd))                                                   \
	X(fdatasync, fdatasync(fd))                                           \
	X(open, close(open("shared", O_RDONLY)))                              \
	X(creat, close(creat("created", 0600)))                               \
	X(openat, close(openat(AT_FDCWD, "shared", O_RDWR)))                  \
	X(close, close(dup(fd)))                                              \
	X(fcntl_setlkw, fcntl(fd, F_SETLKW, &(struct flock){ .l_type = F_RDLCK })) \
	X(lockf, lockf(fd, F_TEST, 1))                                        \
	X(lseek, (int)lseek(fd, 0, SEEK_SET))                                 \
	X(fstat, fstat(fd, &st))                                              \
	X(stat, stat("shared", &st))                                          \
	X(rename, rename("shared", "shared"))                                 \
	X(ftruncate, ftruncate(fd, 8192))                                     \
	X(truncate, truncate("shared", 8192))                                 \
	X(dup, close(dup(fd)))                                                \
	X(unlink, unlink("none"))                                             \
	X(mkdir, mkdir(".", 0700))                                            \
	X(fcntl, fcntl(fd, F_GETFL))                                          \
	X(fallocate, fallocate(fd, 0, 0, 4096))                               \
	X(sync_file_range, sync_file_range(fd, 0, 10, 0))

#define X(name, call) static void call_##name(void) { (void)!(call); }
CALLS(X)
#undef X

static const struct {
	const char *name;
	void (*call)(void);
} calls[] = {
#define X(name, call) { #name, call_##name },
	CALLS(X)
#undef X
};

static void cleanup(void *unused)
{
	char b[4096];

	(void)unused;
	cleaned = pwrite(fd, buf, 4096, 0) == 4096 && pread(fd, b, 4096, 0) == 4096 &&
		  ftruncate(fd, 8192) == 0;
}

static void *pending(void *call)
{
	pthread_cleanup_push(cleanup, NULL);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_cancel(pthread_self());
	for (int i = 0; i < 5; i++)     /* the files are known by now */
		(void)!pread(fd, buf, 4096, 0), (void)!pwrite(fd, buf, 4096, 0);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	((void (*)(void))call)();
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_cleanup_pop(0);
	return NULL;
}

static int works(void)
{
	char a[4096], b[4096];

	memset(a, 'w', sizeof(a));
	return pwrite(fd, a, sizeof(a), 4096) == sizeof(a) && pread(fd, b, sizeof(b), 4096) == sizeof(b) &&
	       !memcmp(a, b, sizeof(a)) && lseek(fd, 0, SEEK_SET) == 0;
}

/* Cancelled at any moment of endless I/O. */
static void *forever(void *what)
{
	int n = (int)(intptr_t)what;

	for (;;)
		switch (n) {
		case 0: (void)!pread(fd, buf, 4096, 0); break;
		case 1: (void)!pwrite(fd, buf, 4096, 0); break;
		case 2: (void)!write(fd_append, buf, 100); (void)!ftruncate(fd_append, 0); break;
		case 3: close(open("shared", O_RDWR | O_CREAT, 0600)); break;
		default: calls[rand() % 7].call();
		}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t;
	void *r;

	if (argc < 2 || chdir(dir = argv[1]) < 0)
		return 2;
	fd = open("shared", O_RDWR | O_CREAT | O_TRUNC, 0600);
	fd_append = open("append", O_RDWR | O_CREAT | O_APPEND, 0600);
	(void)!write(fd, buf, sizeof(buf));
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		lseek(fd, 0, SEEK_SET);
		cleaned = -1;
		pthread_create(&t, NULL, pending, (void *)calls[i].call);
		pthread_join(t, &r);
		printf("%s: %s, cleanup %d, works %d\n", calls[i].name,
		       r == PTHREAD_CANCELED ? "cancelled" : "returned", cleaned, works());
	}
	for (int i = 0; i < 200; i++) {
		pthread_create(&t, NULL, forever, (void *)(intptr_t)(i % 5));
		usleep((useconds_t)(rand() % 500));
		pthread_cancel(t);
		pthread_join(t, &r);
		if (r != PTHREAD_CANCELED || !works())
			printf("round %d: %s, works %d\n", i, r == PTHREAD_CANCELED ? "cancelled" : "returned", works());
	}
	printf("done\n");
	return 0;
}
