/* SPDX-License-Identifier: MIT */
/*
 * bootstrap TOPIC DIR [LIBRARY]: what a process may do to itself: become
 * another user, change its root, load and unload libraries. Prints the result
 * of each call as a native run would.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define P(expr) (errno = 0, say(#expr, (long)(expr)))

static void say(const char *what, long r)
{
	printf("%s = %ld%s%s\n", what, r, r < 0 ? " " : "", r < 0 ? strerrorname_np(errno) : "");
	fflush(stdout);
}

/* I/O of every sort in the working directory; the number of the first thing that fails, or 0. */
static int io(void)
{
	char buf[8192], back[8192];
	struct stat st;
	DIR *d;
	FILE *f;
	char *m;
	int fd, n = 0;

	memset(buf, 'x', sizeof(buf));
	if ((fd = open("io", O_RDWR | O_CREAT | O_TRUNC, 0640)) < 0)
		return 1;
	for (int i = 0; i < 20; i++)
		if (pwrite(fd, buf, sizeof(buf), i * 100) != sizeof(buf) ||
		    pread(fd, back, sizeof(back), i * 100) != sizeof(back) || memcmp(buf, back, sizeof(buf)))
			return 2;
	if (fstat(fd, &st) < 0 || st.st_size != 10092 || st.st_uid != geteuid())
		return 3;
	m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED || (m[0] = 'm', pread(fd, back, 1, 0)) != 1 || back[0] != 'm' || munmap(m, 8192) < 0)
		return 4;
	if (ftruncate(fd, 10) < 0 || read(fd, back, 100) != 10 || close(fd) < 0)
		return 5;
	if (!(f = fopen("stream", "w+")) || fputs("text\n", f) < 0 || fseek(f, 1, SEEK_SET) < 0 ||
	    getc(f) != 'e' || fclose(f) != 0)
		return 6;
	if (mkdir("dir", 0700) < 0 || rename("stream", "dir/moved") < 0 || symlink("moved", "dir/link") < 0 ||
	    stat("dir/link", &st) < 0 || st.st_size != 5 || !(d = opendir("dir")))
		return 7;
	while (readdir(d))
		n++;
	if (closedir(d) < 0 || n != 4)
		return 8;
	return unlink("dir/link") < 0 || unlink("dir/moved") < 0 || rmdir("dir") < 0 || unlink("io") < 0 ? 9 : 0;
}

static void *io_thread(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)io();
}

static long in_thread(void)
{
	pthread_t t;
	void *r = NULL;

	if (pthread_create(&t, NULL, io_thread, NULL) != 0)
		return -1;
	pthread_join(t, &r);
	return (long)r;
}

static long in_child(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(io());
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

/* Root in turn, somebody else for good; DIR is for everybody. */
static void setuids(void)
{
	char buf[10];
	int before = open("before", O_RDWR | O_CREAT, 0600), fd;

	P(write(before, "before", 6));
	P(seteuid(65534));
	P(open("before", O_RDONLY));
	P(pwrite(before, "still", 5, 0));
	P(pread(before, buf, 5, 0));
	P(fd = open("/dev/null", O_RDONLY));
	P(close(fd));
	P(seteuid(0));
	P(io());
	P(setgroups(0, NULL));
	P(setgid(65534));
	P(setuid(65534));
	P(pwrite(before, "again", 5, 0));
	P(pread(before, buf, 5, 0));
	P(ftruncate(before, 3));
	P(lseek(before, 0, SEEK_END));
	P(in_thread() >= 0);
	P(in_child() >= 0);
	P(close(before));
}

/* The new root has a directory of its own under the old name. */
static void roots(const char *root)
{
	char buf[10];
	int dir = open(".", O_RDONLY | O_DIRECTORY), fd = open("file", O_RDWR | O_CREAT, 0600), other;

	P(write(fd, "outside", 7));
	P(chroot(root));
	P(pread(fd, buf, 7, 0));
	P(pwrite(fd, "OUT", 3, 0));
	P(chdir("/"));
	P(io());
	P(other = open("/inside", O_RDWR | O_CREAT, 0600));
	P(write(other, "in", 2));
	P(access("/inside", F_OK));
	P(access("/nowhere/at/all", F_OK));
	P(in_thread());
	P(in_child());
	P(other = openat(dir, "file", O_RDONLY));
	P(read(other, buf, 7));
	P(fchdir(dir));
	P(io());
	P(access("file", R_OK));
}

static void plugins(const char *library)
{
	for (int i = 0; i < 5; i++) {
		void *handle = dlopen(library, i & 1 ? RTLD_LAZY : RTLD_NOW | RTLD_GLOBAL);
		int (*fn)(const char *) = handle ? (int (*)(const char *))dlsym(handle, "plugin") : NULL;

		if (!fn) {
			printf("%s\n", dlerror());
			return;
		}
		P(fn("call"));
		P(io());
		P(in_thread());
		P(dlclose(handle));
	}
	P(in_child());
}

int main(int argc, char **argv)
{
	if (argc < 3 || chdir(argv[2]) < 0)
		return 2;
	if (!strcmp(argv[1], "setuid"))
		setuids();
	else if (!strcmp(argv[1], "chroot") && argc > 3)
		roots(argv[3]);
	else if (!strcmp(argv[1], "plugin") && argc > 3)
		plugins(argv[3]);
	else
		P(io()), P(in_thread()), P(in_child());
	return 0;
}
