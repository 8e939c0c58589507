/* SPDX-License-Identifier: MIT */
/*
 * What fails for the state that a file, a directory or the process is in:
 * programs that run (ETXTBSY), directories that were removed (ENOENT), streams
 * whose descriptor or child is gone (EBADF, ECHILD), attributes that are too
 * large (E2BIG, ERANGE, ENOTSUP), waits that a signal ends (EINTR), no more
 * descriptors (EMFILE), locks that wait for each other (EDEADLK).
 */
#include "errnos.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

static char b[70000];

static void running(void)
{
	int ready[2], fd;
	pid_t pid;
	char c;

	copy("/bin/sleep", P("runs"));
	fd = open(P("runs"), O_RDONLY);
	pipe2(ready, O_CLOEXEC);
	pid = split();
	if (!pid) {
		execl(P("runs"), "sleep", "60", (char *)NULL);
		_exit(9);
	}
	close(ready[1]);
	read(ready[0], &c, 1);          /* until it has become the other program */
	CALL(open(P("runs"), O_WRONLY));
	CALL(open(P("runs"), O_RDWR | O_CREAT, 0755));
	CALL(creat(P("runs"), 0755));
	CALL(truncate(P("runs"), 10));
	CALL(ftruncate(fd, 10));
	CALL(access(P("runs"), W_OK));
	CALL(openat(AT_FDCWD, P("runs"), O_RDONLY | O_TRUNC));
	CALL(rename(P("runs"), P("renamed")));
	CALL(unlink(P("renamed")));
	kill(pid, SIGKILL);
	WAIT(pid);
	close(ready[0]);
	close(fd);
}

/* The working directory, and one that is open, are removed. */
static void removed(void)
{
	struct dirent **list;
	struct stat st;
	int fd;
	DIR *d;

	CALL(mkdir(P("gone"), 0755));
	fd = open(P("gone"), O_RDONLY | O_DIRECTORY);
	d = opendir(P("gone"));
	CALL(chdir(P("gone")));
	CALL(rmdir(P("gone")));
	CALL(getdents64(fd, b, sizeof(b)));
	errno = 0;
	say("readdir %s, %s", readdir(d) ? "a name" : "nothing", name_of(errno));
	CALL(closedir(d));
	PTR(getcwd(b, sizeof(b)));
	PTR(realpath(".", b));
	PTR(opendir(".."));
	CALL(stat("x", &st));
	CALL(open("x", O_RDWR | O_CREAT, 0600));
	CALL(mkdir("x", 0700));
	CALL(symlink("x", "y"));
	CALL(link(P("file"), "x"));
	CALL(rename(P("file"), "x"));
	CALL(mkdirat(fd, "x", 0700));
	CALL(openat(fd, "x", O_RDWR | O_CREAT, 0600));
	CALL(openat(fd, ".", O_RDWR | O_TMPFILE, 0600));
	CALL(linkat(AT_FDCWD, P("file"), fd, "x", 0));
	CALL(renameat(AT_FDCWD, P("file"), fd, "x"));
	CALL(scandirat(fd, "x", &list, NULL, NULL));
	CALL(fstat(fd, &st));
	say("links %d", (int)st.st_nlink);
	CALL(fchmod(fd, 0700));
	if (has_nodes())
		CALL(fchdir(fd));
	CALL(chdir("/"));
	close(fd);
	PTR(getcwd(OPAQUE((char *)bad_page()), 100));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	CALL(scandirat(fd, "none", &list, NULL, NULL));
	CALL(scandirat(fd, "file", &list, NULL, NULL));
	CALL(scandirat(fd, "closed", &list, NULL, NULL));
	close(fd);
}

static void streams(void)
{
	FILE *f = fopen(P("stream"), "w");
	int fd, status;

	fputs("lost", f);
	close(fileno(f));
	CALL(fclose(f));
	f = fopen(P("stream"), "w");
	fd = fileno(f);
	fputs("lost", f);
	close(fd);
	CALL(fflush(f));
	dup2(2, fd);
	fclose(f);
	f = fopen(P("stream"), "r");
	CALL(fputc('x', f));
	CALL(fwrite("abc", 1, 3, f) == 3 ? 0 : -1);
	fclose(f);
	f = fopen(P("stream"), "w");
	CALL(fgetc(f));
	CALL(fseek(f, -5, SEEK_SET));
	CALL(fseek(f, 0, 99));
	PTR(freopen(P("none/x"), "r", f));
	f = fopen(P("stream"), "w");
	PTR(freopen(P("stream"), "odd", f));
	PTR(fopen(P("stream"), OPAQUE("odd")));
	f = popen("exit 3", "r");
	wait(&status);
	CALL(pclose(f));
	PTR(popen("true", OPAQUE("odd")));
}

static void attributes(void)
{
	int fd = open(P("file"), O_RDWR);

	CALL(fsetxattr(fd, "user.a", b, 65537, 0));
	CALL(setxattr(P("file"), "user.a", b, 65537, 0));
	CALL(lsetxattr(P("file"), "user.a", b, 65537, 0));
	CALL(fsetxattr(fd, longname, "v", 1, 0));
	CALL(setxattr(P("file"), "", "v", 1, 0));
	CALL(setxattr(P("file"), OPAQUE((char *)NULL), "v", 1, 0));
	CALL(fsetxattr(fd, "user.a", "v", 1, 99));
	CALL(fsetxattr(fd, "user.a", "value", 5, XATTR_REPLACE));
	CALL(fsetxattr(fd, "user.a", "value", 5, XATTR_CREATE));
	CALL(fsetxattr(fd, "user.a", "value", 5, XATTR_CREATE));
	CALL(lsetxattr(P("file"), "user.a", "value", 5, XATTR_CREATE));
	CALL(setxattr(P("link"), "user.none", "value", 5, XATTR_REPLACE));
	CALL(lsetxattr(P("file"), "user.none", "value", 5, XATTR_REPLACE));
	CALL(fgetxattr(fd, "user.a", b, 2));
	CALL(getxattr(P("file"), "user.a", b, 2));
	CALL(lgetxattr(P("file"), "user.a", b, 2));
	CALL(flistxattr(fd, b, 2));
	CALL(llistxattr(P("file"), b, 2));
	CALL(fgetxattr(fd, "nospace.a", b, sizeof(b)));
	CALL(lgetxattr(P("file"), "nospace.a", b, sizeof(b)));
	CALL(fsetxattr(fd, "nospace.a", "v", 1, 0));
	CALL(setxattr(P("file"), "nospace.a", "v", 1, 0));
	CALL(lsetxattr(P("file"), "nospace.a", "v", 1, 0));
	CALL(fremovexattr(fd, "nospace.a"));
	CALL(removexattr(P("file"), "nospace.a"));
	CALL(lremovexattr(P("file"), "nospace.a"));
	CALL(fgetxattr(fd, longname, b, sizeof(b)));
	CALL(fremovexattr(fd, longname));
	CALL(setxattr(P("link"), "user.l", "v", 1, 0));
	CALL(lsetxattr(P("link"), "user.l", "v", 1, 0));
	CALL(fgetxattr(fd, "user.a", bad_page(), 10));
	CALL(flistxattr(fd, bad_page(), 100));
	CALL(fremovexattr(fd, OPAQUE((char *)NULL)));
	close(fd);
}

static void on_alarm(int n)
{
	(void)n;
}

/* `call` under a timer that ends it, and goes on for those that began too late. */
#define ENDED(call) do {                                                      \
	struct itimerval it_ = { { 0, 20000 }, { 0, 20000 } };                \
	setitimer(ITIMER_REAL, &it_, NULL);                                   \
	CALL(call);                                                           \
	it_ = (struct itimerval){ 0 };                                        \
	setitimer(ITIMER_REAL, &it_, NULL);                                   \
} while (0)

/* Two processes, each of which waits for what the other has. */
static void deadlock(void)
{
	int fd = open(P("file"), O_RDWR), v[2];
	pid_t pid;
	char c;

	pipe(v);
	CALL(lockf(fd, F_LOCK, 1));
	pid = split();
	if (!pid) {
		lseek(fd, 5, SEEK_SET);
		lockf(fd, F_LOCK, 1);
		write(v[1], "x", 1);
		lseek(fd, 0, SEEK_SET);
		lockf(fd, F_LOCK, 1);
		_exit(0);
	}
	read(v[0], &c, 1);
	until_asleep(pid);
	lseek(fd, 5, SEEK_SET);
	CALL(lockf(fd, F_LOCK, 1));
	close(fd);
	WAIT(pid);
	close(v[0]), close(v[1]);
}

static void waits(void)
{
	struct sigaction act = { .sa_handler = on_alarm };
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(P("file"), O_RDWR), again = open(P("file"), O_RDWR), v[2], up[2];
	struct pollfd p = { 0 };
	fd_set in;
	pid_t pid;
	char c;

	sigaction(SIGALRM, &act, NULL);
	pipe(v), pipe(up);
	pid = split();
	if (!pid) {
		int own = open(P("file"), O_RDWR);

		fcntl(own, F_SETLK, &l);
		write(up[1], "x", 1);
		pause();
	}
	read(up[0], &c, 1);
	ENDED(fcntl(fd, F_SETLKW, &l));
	ENDED(lockf(fd, F_LOCK, 0));
	CALL(lockf(fd, F_TLOCK, 0));
	CALL(lockf(fd, F_TEST, 0));
	CALL(lockf(fd, 99, 0));
	CALL(fcntl(fd, F_SETLK, &l));
	kill(pid, SIGKILL);
	WAIT(pid);
	CALL(flock(again, LOCK_EX));
	ENDED(flock(fd, LOCK_EX));
	CALL(flock(fd, LOCK_EX | LOCK_NB));
	CALL(fcntl(again, F_OFD_SETLK, &l));
	ENDED(fcntl(fd, F_OFD_SETLKW, &l));
	p = (struct pollfd){ v[0], POLLIN, 0 };
	ENDED(poll(&p, 1, -1));
	ENDED(ppoll(&p, 1, NULL, NULL));
	FD_ZERO(&in);
	FD_SET(v[0], &in);
	ENDED(select(v[0] + 1, &in, NULL, NULL, NULL));
	FD_SET(v[0], &in);
	ENDED(pselect(v[0] + 1, &in, NULL, NULL, NULL, NULL));
	ENDED(read(v[0], b, 1));
	ENDED(splice(v[0], NULL, fd, NULL, 10, 0));
	CALL(ppoll(&p, 1, &(struct timespec){ 0, 2000000000 }, NULL));
	CALL(pselect(-1, &in, NULL, NULL, NULL, NULL));
	CALL(pselect(1, &in, NULL, NULL, &(struct timespec){ -1, 0 }, NULL));
	close(fd), close(again), close(v[0]), close(v[1]), close(up[0]), close(up[1]);
}

static void pipes(void)
{
	int v[2], w[2], fd = open(P("file"), O_RDWR), e = epoll_create1(0);
	struct iovec iov = { bad_page(), 10 }, good = { b, 10 };
	struct epoll_event ev = { .events = EPOLLIN };
	off_t off = 0;

	pipe2(v, O_NONBLOCK), pipe2(w, O_NONBLOCK);
	CALL(tee(v[0], w[1], 10, SPLICE_F_NONBLOCK));
	CALL(tee(v[0], v[1], 10, 0));
	CALL(tee(v[0], w[1], 10, 1 << 20));
	CALL(tee(fd, w[1], 10, 0));
	CALL(vmsplice(v[1], &iov, 1, 0));
	CALL(vmsplice(v[1], &good, 2000, 0));
	CALL(vmsplice(v[1], &good, 1, 1 << 20));
	CALL(vmsplice(fd, &good, 1, 0));
	CALL(sendfile(fd, v[0], &off, 10));
	off = INT64_MAX - 1;
	CALL(sendfile(w[1], fd, &off, 10));
	CALL(sendfile(w[1], fd, (off_t *)bad_page(), 10));
	CALL(epoll_ctl(e, EPOLL_CTL_ADD, v[0], &ev));
	CALL(epoll_ctl(e, EPOLL_CTL_ADD, v[0], &ev));
	CALL(epoll_ctl(e, EPOLL_CTL_MOD, w[0], &ev));
	CALL(epoll_ctl(e, EPOLL_CTL_DEL, w[0], &ev));
	CALL(epoll_ctl(e, 99, v[0], &ev));
	CALL(epoll_ctl(e, EPOLL_CTL_ADD, e, &ev));
	CALL(epoll_ctl(v[0], EPOLL_CTL_ADD, w[0], &ev));
	CALL(epoll_ctl(fd, EPOLL_CTL_ADD, w[0], &ev));
	CALL(epoll_ctl(e, EPOLL_CTL_MOD, fd, &ev));
	CALL(epoll_ctl(e, EPOLL_CTL_DEL, fd, &ev));
	CALL(epoll_ctl(e, EPOLL_CTL_ADD, w[0], (struct epoll_event *)bad_page()));
	CALL(write(v[1], b, sizeof(b)));
	CALL(write(v[1], b, sizeof(b)));
	close(v[0]);
	CALL(write(v[1], b, 1));
	close(v[1]), close(w[0]), close(w[1]), close(fd), close(e);
}

/* Nothing that makes a descriptor may have one more. */
static void exhausted(void)
{
	struct rlimit was, few = { 20, 20 };
	struct dirent **list;
	int fd = open(P("file"), O_RDWR), d = open(dir, O_RDONLY | O_DIRECTORY), v[2];

	getrlimit(RLIMIT_NOFILE, &was);
	few.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	while (dup(2) >= 0)
		;
	CALL(open(P("file"), O_RDWR));
	CALL(openat(d, "file", O_RDONLY));
	CALL(creat(P("new"), 0600));
	CALL(open(dir, O_RDWR | O_TMPFILE, 0600));
	CALL(dup(fd));
	CALL(dup2(fd, 20));
	CALL(dup3(fd, 20, 0));
	CALL(dup3(-1, 5, 0));
	CALL(dup(-1));
	CALL(fcntl(fd, F_DUPFD_CLOEXEC, 3));
	CALL(mkostemp(P("tXXXXXX"), O_CLOEXEC));
	PTR(opendir(dir));
	PTR(fopen(P("file"), "r"));
	PTR(tmpfile());
	PTR(popen("true", "r"));
	CALL(scandir(dir, &list, NULL, NULL));
	CALL(scandirat(d, ".", &list, NULL, NULL));
	CALL(pipe2(v, O_CLOEXEC));
	CALL(socketpair(AF_UNIX, SOCK_STREAM, 0, v));
	CALL(eventfd(0, 0));
	CALL(memfd_create("x", 0));
	CALL(inotify_init());
	CALL(epoll_create1(0));
	CALL(socket(AF_UNIX, SOCK_STREAM, 0));
	CALL(timerfd_create(CLOCK_MONOTONIC, 0));
	CALL(signalfd(-1, &(sigset_t){ 0 }, 0));
	CALL(pread(fd, b, 5, 0));
	CALL(rename(P("file"), P("other")));
	setrlimit(RLIMIT_NOFILE, &was);
	closefrom(3);
	CALL(access(P("new"), F_OK));
}

static void door(void)
{
	begin();
	if (has_nodes())        /* else what runs is a copy */
		running();
	removed();
	build();
	streams();
	attributes();
	deadlock();
	waits();
	pipes();
	exhausted();
}
