/* SPDX-License-Identifier: MIT */
/*
 * s3_guest TOPIC FILE...: what a program under a rule s3: sees of its guest and
 * of the agent. The files hold the numbers 0, 1, 2, ... in eight bytes each.
 * Used by s3_guest.sh, which says what each topic must print. `make N` writes
 * such a file of N bytes to standard output.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 64
#define MOST 70000

extern char **environ;

static const char *path;
static int64_t size;

static void fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_it(void)
{
	int fd = open(path, O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		fail("open");
	size = st.st_size;
	return fd;
}

/* Whether n bytes at `off` are what they should be. */
static int is_right(const unsigned char *p, size_t n, int64_t off)
{
	for (size_t i = 0; i < n; i++, off++) {
		uint64_t word = (uint64_t)off / 8;

		if (p[i] != ((unsigned char *)&word)[off % 8])
			return 0;
	}
	return 1;
}

/* Reads somewhere and compares. */
static void read_at(int fd, int64_t off, size_t n)
{
	unsigned char *buf = malloc(n + 1);
	ssize_t r = pread(fd, buf, n, off);

	if (r != (off >= size ? 0 : size - off < (int64_t)n ? size - off : (int64_t)n)) {
		printf("pread of %zu at %lld: %zd, %s\n", n, (long long)off, r, r < 0 ? strerror(errno) : "");
		exit(1);
	}
	if (!is_right(buf, (size_t)r, off)) {
		printf("other bytes at %lld\n", (long long)off);
		exit(1);
	}
	free(buf);
}

static void read_some(int fd, unsigned *seed, int times)
{
	for (int i = 0; i < times; i++)
		read_at(fd, (int64_t)rand_r(seed) * 7 % (size + 10), (size_t)rand_r(seed) % MOST + 1);
}

static void make(int64_t n)
{
	for (uint64_t word = 0; n > 0; word++, n -= 8)
		fwrite(&word, 1, n < 8 ? (size_t)n : 8, stdout);
}

/* ---- noticed: prints the same as natively */

static _Atomic int children;

static void on_child(int signo)
{
	(void)signo;
	children++;
}

static void list(const char *when)
{
	printf("%s:", when);
	for (int n = 0; n < 1024; n++)
		if (syscall(SYS_fcntl, n, F_GETFD) != -1 && n < 256)
			printf(" %d", n);
	printf("\n");
}

static void print_state(const char *when)
{
	char cwd[4096], line[256];
	sigset_t mask;
	FILE *f = fopen("/proc/self/status", "r");
	int waited = waitpid(-1, NULL, WNOHANG);

	printf("%s: wait %d %s, signals %d, cwd %s, session %d, umask", when, waited, waited < 0 ? strerror(errno) : "", children,
	       getcwd(cwd, sizeof(cwd)), getsid(0) == getpid());
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "Umask", 5) || !strncmp(line, "SigBlk", 6) || !strncmp(line, "SigIgn", 6) ||
		    !strncmp(line, "Threads", 7))
			printf(" %s", strtok(strchr(line, ':') + 2, "\n"));
	printf("\n");
	fclose(f);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	list(when);
}

static void noticed(void)
{
	int fd, next;

	signal(SIGCHLD, on_child);
	print_state("before");
	fd = open_it();
	next = open("/dev/null", O_RDONLY);
	printf("opened %d, then %d\n", fd, next);
	read_at(fd, 0, 5000);
	print_state("open");
	close(fd);
	close(next);
	next = open("/dev/null", O_RDONLY);
	printf("lowest %d\n", next);
	close(next);
	print_state("after");
}

/* ---- threads, signals */

static void *thread(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	int fd = open_it();

	read_some(fd, &seed, 100);
	close(fd);
	return NULL;
}

static void threads(void)
{
	pthread_t t[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, thread, (void *)(i + 1)))
			fail("pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

static int handler_fd;
static unsigned handled;

static void on_alarm(int signo)
{
	static unsigned seed = 5;
	unsigned char buf[3000];
	int64_t off = (int64_t)rand_r(&seed) % (size - 3000);
	int saved = errno;

	(void)signo;
	if (pread(handler_fd, buf, sizeof(buf), off) != sizeof(buf) || !is_right(buf, sizeof(buf), off)) {
		static const char text[] = "the handler reads other bytes\n";

		write(1, text, sizeof(text) - 1);
		_exit(1);
	}
	handled++;
	errno = saved;
}

static void signals(void)
{
	struct itimerval every = { { 0, 700 }, { 0, 700 } }, none = { 0 };
	struct sigaction act = { .sa_handler = on_alarm };
	unsigned seed = 7;
	int fd = open_it();

	handler_fd = open_it();
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (time_t end = time(NULL) + 60; time(NULL) < end && handled < 50;)
		read_some(fd, &seed, 20);
	setitimer(ITIMER_REAL, &none, NULL);
	printf(handled >= 50 ? "handled\n" : "too few signals\n");
}

/* ---- processes */

static void wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) < 0)
		fail("waitpid");
	if (status) {
		printf("a child: status %x\n", status);
		exit(1);
	}
}

/* Children go on with what is open, by turns at one position. */
static void forks(void)
{
	int fd = open_it(), turn[2];
	unsigned seed = 3;
	pid_t pid[4];
	char c = 0;

	read_some(fd, &seed, 5);
	pipe(turn);
	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			unsigned char buf[1000];
			int64_t at;

			seed = (unsigned)i + 10;
			read_some(fd, &seed, 30);
			read(turn[0], &c, 1);
			at = lseek(fd, 0, SEEK_CUR);
			if (read(fd, buf, sizeof(buf)) != sizeof(buf) || !is_right(buf, sizeof(buf), at))
				_exit(3);
			write(turn[1], &c, 1);
			read_some(open_it(), &seed, 10);
			_exit(0);
		}
	}
	write(turn[1], &c, 1);
	read_some(fd, &seed, 30);
	for (int i = 0; i < 4; i++)
		wait_for(pid[i]);
	printf("at %lld\n", (long long)lseek(fd, 0, SEEK_CUR));
}

/* A fork in a handler that interrupts a read. */
static void on_fork(int signo)
{
	(void)signo;
	if (handled++ < 20) {
		pid_t pid = fork();

		if (pid == 0)
			children = 1;
	}
}

static void fork_in_handler(void)
{
	struct itimerval every = { { 0, 3000 }, { 0, 3000 } }, none = { 0 };
	struct sigaction act = { .sa_handler = on_fork, .sa_flags = SA_RESTART };
	unsigned seed = 11;
	int fd = open_it(), status;

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (time_t end = time(NULL) + 60; time(NULL) < end && handled < 20 && !children;)
		read_some(fd, &seed, 5);
	setitimer(ITIMER_REAL, &none, NULL);
	read_some(fd, &seed, 5);
	if (children)
		_exit(0);
	while (wait(&status) > 0)
		if (status)
			printf("a child: status %x\n", status);
	printf(handled >= 20 ? "forked\n" : "too few signals\n");
}

static void pass(int sock, int fd)
{
	char c = 0;
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(int));
	if (sendmsg(sock, &msg, 0) < 0)
		fail("sendmsg");
}

static int receive(int sock)
{
	char c;
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(sock, &msg, 0) < 0)
		fail("recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

static void rights(void)
{
	struct stat st;
	int s[2], fd;
	pid_t pid;
	unsigned seed = 1;

	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s);
	pid = fork();
	if (pid == 0) {
		fd = open_it();
		read_at(fd, 0, 100);
		lseek(fd, 4096, SEEK_SET);
		pass(s[1], fd);
		_exit(0);
	}
	wait_for(pid);
	fd = receive(s[0]);
	fstat(fd, &st);
	size = st.st_size;
	printf("at %lld of %d\n", (long long)lseek(fd, 0, SEEK_CUR), size > 0);
	read_some(fd, &seed, 20);
}

/* Redirected in a child that shares our memory. */
static void spawned(void)
{
	char *argv[] = { (char *)"cksum", NULL };
	posix_spawn_file_actions_t fa;
	pid_t pid;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, path, O_RDONLY, 0);
	if (posix_spawnp(&pid, "cksum", &fa, NULL, argv, environ))
		fail("posix_spawnp");
	wait_for(pid);
}

/* A vfork child that reads by itself. */
static void vforked(void)
{
	int fd = open_it();
	unsigned seed = 2;
	pid_t pid;

	read_some(fd, &seed, 5);
	pid = vfork();
	if (pid == 0) {
		read_some(fd, &seed, 5);
		_exit(0);
	}
	wait_for(pid);
	read_some(fd, &seed, 5);
}

/* ---- an agent that is killed */

/* Reads until standard input ends; says so when it has read for the first time. */
static void reread(void)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	int fd = open_it(), n = 0;
	unsigned seed = 4;

	read_some(fd, &seed, 3);
	printf("reads\n");
	fflush(stdout);
	do {
		read_some(fd, &seed, 3);
		n += 3;
	} while (poll(&in, 1, 0) == 0);
	printf("read\n");
}

static void sleeps(void)
{
	read_at(open_it(), 0, 100);
	printf("reads\n");
	fflush(stdout);
	pause();
}

/* As PID 1, or a subreaper: there is nothing to wait for, and nothing that ends; also when the agent was killed. */
static void alone(int fd, const char *when)
{
	int status;

	read_at(fd, 0, 100);
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD || wait(NULL) != -1 || children)
		printf("%s: there is a child, or %d signals\n", when, children);
	if (fork() == 0)
		_exit(7);
	if (wait(&status) < 0 || WEXITSTATUS(status) != 7 || wait(NULL) != -1 || errno != ECHILD)
		printf("%s: another child than ours\n", when);
	children = 0;
}

static void first(void)
{
	char c;
	int fd;

	if (getpid() != 1)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGCHLD, on_child);
	fd = open_it();
	alone(fd, "before");
	printf("reads\n");
	fflush(stdout);
	read(0, &c, 1);
	alone(fd, "after");
	printf("no child\n");
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*run)(void); } topics[] = {
		{ "noticed", noticed }, { "threads", threads }, { "signals", signals }, { "forks", forks },
		{ "fork-in-handler", fork_in_handler }, { "rights", rights }, { "spawned", spawned },
		{ "vforked", vforked }, { "reread", reread }, { "sleeps", sleeps }, { "first", first },
	};

	if (argc == 3 && !strcmp(argv[1], "make")) {
		make(atoll(argv[2]));
		return 0;
	}
	path = argc > 2 ? argv[2] : "";
	for (size_t i = 0; argc > 2 && i < sizeof(topics) / sizeof(*topics); i++)
		if (!strcmp(argv[1], topics[i].name)) {
			topics[i].run();
			return 0;
		}
	return 2;
}
