/* SPDX-License-Identifier: MIT */
/*
 * guest TOPIC DIRECTORY: what a program under a rule may notice of its guest.
 * Used by guest.sh, which says what each topic must print.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char path[4096], b[65536];

/* Some of every kind of I/O. */
static void io(void)
{
	int fd = open(path, O_RDWR | O_CREAT, 0644);

	if (fd < 0 || pwrite(fd, b, sizeof(b), 0) != sizeof(b) || pread(fd, b, 5000, 7) != 5000 ||
	    ftruncate(fd, 70000) || pread(fd, b, 100, 69000) != 100 || fsync(fd) || close(fd)) {
		printf("I/O fails: %s\n", strerror(errno));
		exit(1);
	}
}

static void *io_thread(void *arg)
{
	char small[100];
	int fd = open(path, O_RDWR);

	if (pread(fd, small, 100, 0) != 100 || pwrite(fd, small, 100, 0) != 100 || close(fd))
		printf("I/O in a thread fails: %s\n", strerror(errno));
	return arg;
}

static void list(const char *when)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	printf("%s:", when);
	for (int n = 0; n < 1000; n++)
		if (syscall(SYS_fcntl, n, F_GETFD) != -1 && n != dirfd(d))
			printf(" %d", n);
	/* those of higher numbers, which only the list knows */
	while ((e = readdir(d)))
		if (atoi(e->d_name) >= 1000)
			printf(" %s", e->d_name);
	printf("\n");
	closedir(d);
}

static void descriptors(void)
{
	pthread_t t[4];

	list("before");
	io();
	list("after I/O");
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, io_thread, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	list("after threads");
	closefrom(3);
	io();
	list("after closefrom");
	close_range(3, ~0U, 0);
	io();
	for (int i = 3; i < 2000; i++)
		close(i);
	io();
	syscall(SYS_close_range, 3, ~0U, 0);
	io();
	list("at the end");
}

/* Little address space, counted from what the program has already. */
static void space(void)
{
	struct rlimit l;
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%lu", &pages) != 1)
		exit(2);
	fclose(f);
	l.rlim_cur = l.rlim_max = pages * 4096 + (4 << 20);
	if (setrlimit(RLIMIT_AS, &l))
		exit(2);
	for (int i = 0; i < 100; i++)
		io();
	printf("worked\n");
}

static void state(void)
{
	sigset_t set;
	struct sigaction sa;
	mode_t mask = umask(031);

	io();
	printf("umask %o %o\n", mask, umask(022));
	printf("locale %s\n", setlocale(LC_ALL, NULL));
	sigprocmask(SIG_SETMASK, NULL, &set);
	for (int i = 1; i < 65; i++) {
		if (sigismember(&set, i))
			printf("blocked %d\n", i);
		if (!sigaction(i, NULL, &sa) && sa.sa_handler != SIG_DFL)
			printf("handled %d\n", i);
	}
	/* one thread; the kernel's own workers of io_uring are not counted */
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;
	while ((e = readdir(d))) {
		char name[300] = "";
		FILE *f;

		snprintf(b, sizeof(b), "/proc/self/task/%s/comm", e->d_name);
		f = e->d_name[0] == '.' ? NULL : fopen(b, "r");
		if (f && fgets(name, sizeof(name), f) && strncmp(name, "iou-", 4))
			n++;
		if (f)
			fclose(f);
	}
	closedir(d);
	printf("threads %d\n", n);
}

/* Writes until the store is full, by ways that would fault if room were only hoped for. */
static void full(void)
{
	int fd = open(path, O_RDWR | O_CREAT, 0644), other, err = 0;
	long long n = 0;
	char *got = malloc(sizeof(b));

	memset(b, 'f', sizeof(b));
	for (;;) {
		ssize_t r = pwrite(fd, b, sizeof(b), n);

		if (r < 0) {
			err = errno;
			break;
		}
		n += r;
		if (n > 64 << 20) {
			printf("never full\n");
			exit(1);
		}
	}
	printf("full: %s after %s\n", strerrorname_np(err), n > 4 << 20 ? "some MiB" : "too little");
	for (long long at = 0; at + (long long)sizeof(b) <= n; at += sizeof(b))
		if (pread(fd, got, sizeof(b), at) != sizeof(b) || memcmp(got, b, sizeof(b)))
			printf("lost at %lld\n", at);
	/* a hole beyond what there is: reading it needs nothing, writing into it fails */
	errno = 0;
	if (ftruncate(fd, n + (32 << 20)))
		printf("ftruncate: %s\n", strerrorname_np(errno));
	printf("hole read %zd\n", pread(fd, got, sizeof(b), n + (16 << 20)));
	errno = 0;
	printf("hole written %zd", pwrite(fd, b, sizeof(b), n + (16 << 20)));
	printf(" %s\n", errno ? strerrorname_np(errno) : "0");
	/* overwriting what is there works */
	errno = 0;
	printf("overwritten %zd", pwrite(fd, b, sizeof(b), 0));
	printf(" %s\n", errno ? strerrorname_np(errno) : "0");
	snprintf(b, sizeof(b), "%s.other", path);
	other = open(b, O_RDWR | O_CREAT, 0644);
	memset(b, 'o', sizeof(b));
	errno = 0;
	if (other >= 0 && pwrite(other, b, sizeof(b), 0) > 4096)
		printf("room out of nowhere\n");
	/* room given back can be used */
	if (ftruncate(fd, 0))
		printf("ftruncate: %s\n", strerrorname_np(errno));
	printf("again %zd\n", pwrite(fd, b, sizeof(b), 0));
	close(fd);
	close(other);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	snprintf(path, sizeof(path), "%s/guest", argv[2]);
	if (!strcmp(argv[1], "descriptors"))
		descriptors();
	else if (!strcmp(argv[1], "space"))
		space();
	else if (!strcmp(argv[1], "state"))
		state();
	else if (!strcmp(argv[1], "full"))
		full();
	else if (!strcmp(argv[1], "io"))
		io();
	else
		return 2;
	return 0;
}
