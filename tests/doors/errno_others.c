/* SPDX-License-Identifier: MIT */
/*
 * The rows of the table that are never about a file of a rule: calls that make
 * other descriptors, sockets, signals and limits, with arguments that each of
 * them refuses. Fails if a door that stands before one of them gives another
 * answer.
 */
#include "errnos.h"

#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>

static char b[100];

static void makers(void)
{
	sigset_t set;
	struct { struct file_handle h; char room[MAX_HANDLE_SZ]; } h = { .h.handle_bytes = MAX_HANDLE_SZ + 1 };
	int fd = open(P("file"), O_RDONLY);

	sigemptyset(&set);
	CALL(epoll_create(0));
	CALL(epoll_create(-1));
	CALL(epoll_create1(99));
	CALL(eventfd(0, 1 << 20));
	CALL(signalfd(-1, &set, 1 << 20));
	CALL(signalfd(900, &set, 0));
	CALL(signalfd(fd, &set, 0));
	CALL(signalfd(-1, OPAQUE((sigset_t *)bad_page()), 0));
	CALL(timerfd_create(999, 0));
	CALL(timerfd_create(CLOCK_REALTIME, 1 << 20));
	CALL(inotify_init1(1 << 20));
	CALL(fanotify_init(0xffffffff, 0));
	CALL(memfd_create("x", 0xffff));
	CALL(memfd_create(longname, 0));
	CALL(memfd_create(bad_page(), 0));
	CALL(shm_open("/shim-none", O_RDONLY, 0));
	CALL(shm_open("/a/b", O_RDONLY, 0));
	CALL(shm_open("", O_RDONLY, 0));
	CALL(shm_open(longname, O_RDONLY, 0));
	CALL(mq_open("/shim-none", O_RDONLY));
	CALL(mq_open("none", O_RDONLY));
	CALL(mq_open("/a/b", O_RDONLY));
	CALL(mq_open("/", O_RDONLY));
	CALL(mq_open("/shim-odd", O_RDONLY | O_CREAT, 0600, (&(struct mq_attr){ .mq_maxmsg = -1 })));
	CALL(posix_openpt(O_RDWR | O_NOCTTY) < 0 ? -1 : 0);
	CALL(pidfd_open(-1, 0));
	CALL(pidfd_open(1 << 22, 0));
	CALL(pidfd_open(getpid(), 1 << 20));
	CALL(pidfd_getfd(fd, 0, 0));
	CALL(pidfd_getfd(-1, 0, 0));
	CALL(pidfd_getfd(fd, 0, 1));
	CALL(fsopen("no-such-type", 0));
	CALL(fsopen("tmpfs", 99));
	CALL(fspick(AT_FDCWD, "/none", 0));
	CALL(fspick(AT_FDCWD, "/", 1 << 20));
	CALL(fsmount(fd, 0, 0));
	CALL(open_tree(AT_FDCWD, "/none", 0));
	CALL(open_tree(AT_FDCWD, "/", 1 << 20));
	CALL(name_to_handle_at(AT_FDCWD, "/", &h.h, (int *)b, 0));
	h.h.handle_bytes = 8;
	CALL(name_to_handle_at(AT_FDCWD, "/none", &h.h, (int *)b, 0));
	CALL(name_to_handle_at(AT_FDCWD, "/", &h.h, (int *)b, 1 << 20));
	CALL(name_to_handle_at(AT_FDCWD, "/", (struct file_handle *)bad_page(), (int *)b, 0));
	CALL(name_to_handle_at(900, "x", &h.h, (int *)b, 0));
	CALL(open_by_handle_at(fd, &h.h, O_RDONLY));
	CALL(pipe(OPAQUE((int *)bad_page())));
	CALL(pipe2(OPAQUE((int *)b), 1 << 20));
	CALL(pipe2(OPAQUE((int *)bad_page()), 0));
	close(fd);
	closefrom(3);
}

/* With names outside of the rule. */
static void watches(void)
{
	int in = inotify_init1(IN_NONBLOCK), v[2];

	pipe(v);
	CALL(inotify_add_watch(in, "/", 0));
	CALL(inotify_add_watch(v[0], "/", IN_OPEN));
	CALL(inotify_add_watch(in, "/none", IN_OPEN));
	CALL(inotify_add_watch(in, "/etc/passwd", IN_OPEN | IN_ONLYDIR));
	CALL(inotify_add_watch(in, "/", IN_DELETE_SELF));
	CALL(inotify_add_watch(in, "/", IN_DELETE_SELF | IN_MASK_CREATE));
	CALL(inotify_add_watch(in, "/", IN_DELETE_SELF | IN_MASK_CREATE | IN_MASK_ADD));
	CALL(fanotify_mark(in, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "/"));
	CALL(fanotify_mark(-1, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "/"));
	CALL(acct("/none"));
	CALL(swapon("/none", 0));
	CALL(swapoff("/none"));
	CALL(chroot("/none"));
	CALL(chroot("/"));
	CALL(mount("x", "/none", "tmpfs", 0, NULL));
	CALL(mount("x", "/", "tmpfs", 0, NULL));
	CALL(umount("/none"));
	CALL(umount2("/", 1 << 20));
	closefrom(3);
}

static void sockets(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), g = socket(AF_UNIX, SOCK_DGRAM, 0), pair[2], x = 0;
	int in = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in nobody = { .sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(x), negative = (socklen_t)-1;
	struct sockaddr_un none = { .sun_family = AF_UNIX, .sun_path = "/none" };
	struct msghdr m = { 0 }, bad = { .msg_iov = (struct iovec *)bad_page(), .msg_iovlen = 1 };
	struct mmsghdr mm = { .msg_hdr = bad };

	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
	CALL(socket(999, SOCK_STREAM, 0));
	CALL(socket(AF_UNIX, 99, 0));
	CALL(socket(AF_INET, SOCK_STREAM, 999));
	CALL(socketpair(AF_INET, SOCK_STREAM, 0, OPAQUE((int *)b)));
	CALL(socketpair(AF_UNIX, SOCK_STREAM, 0, OPAQUE((int *)bad_page())));
	CALL(listen(-1, 1));
	CALL(listen(g, 1));
	CALL(listen(s, 1));
	CALL(accept(s, NULL, NULL));
	CALL(accept(-1, NULL, NULL));
	CALL(accept4(g, NULL, NULL, 0));
	CALL(accept4(s, NULL, NULL, 1 << 20));
	CALL(shutdown(s, SHUT_WR));
	CALL(shutdown(-1, SHUT_WR));
	CALL(shutdown(pair[0], 99));
	CALL(getsockopt(-1, SOL_SOCKET, SO_TYPE, &x, &len));
	CALL(getsockopt(s, SOL_SOCKET, 9999, &x, &len));
	CALL(getsockopt(s, SOL_SOCKET, SO_TYPE, bad_page(), &len));
	CALL(getsockopt(s, SOL_SOCKET, SO_TYPE, &x, &negative));
	CALL(getsockopt(in, IPPROTO_TCP, 9999, &x, &len));
	CALL(setsockopt(-1, SOL_SOCKET, SO_RCVBUF, &x, len));
	CALL(setsockopt(s, SOL_SOCKET, 9999, &x, len));
	CALL(setsockopt(s, SOL_SOCKET, SO_RCVBUF, bad_page(), len));
	CALL(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &x, 1));
	CALL(send(-1, b, 1, 0));
	CALL(send(s, b, 1, MSG_NOSIGNAL));
	CALL(send(g, b, 1, 0));
	CALL(send(pair[0], bad_page(), 1, 0));
	CALL(send(pair[0], b, 1, MSG_OOB) < 0 ? -1 : 0);
	CALL(sendto(pair[0], b, 1, 0, (struct sockaddr *)&nobody, sizeof(nobody)));
	CALL(sendto(g, b, 1, 0, (struct sockaddr *)&nobody, sizeof(nobody)));
	CALL(sendto(-1, b, 1, 0, NULL, 0));
	CALL(sendmsg(pair[0], OPAQUE((struct msghdr *)bad_page()), 0));
	CALL(sendmsg(pair[0], &bad, 0));
	CALL(sendmsg(-1, &m, 0));
	CALL(sendmmsg(pair[0], &mm, 1, 0));
	CALL(sendmmsg(-1, &mm, 1, 0));
	CALL(recv(pair[1], b, OPAQUE(100ul), 0) < 0 ? -1 : 0);
	CALL(recv(pair[1], b, OPAQUE(100ul), 0));
	CALL(recv(-1, b, OPAQUE(1ul), 0));
	CALL(recv(in, b, OPAQUE(1ul), 0));
	CALL(recvfrom(pair[1], b, OPAQUE(1ul), MSG_DONTWAIT, NULL, NULL));
	CALL(recvmsg(pair[1], &m, 0));
	CALL(recvmsg(pair[1], OPAQUE((struct msghdr *)bad_page()), 0));
	CALL(recvmmsg(pair[1], &mm, 1, 0, &(struct timespec){ -1, 0 }));
	CALL(connect(in, (struct sockaddr *)&nobody, sizeof(nobody)));
	CALL(connect(in, (struct sockaddr *)&nobody, 3));
	CALL(connect(s, (struct sockaddr *)&nobody, sizeof(nobody)));
	CALL(connect(-1, (struct sockaddr *)&nobody, sizeof(nobody)));
	CALL(connect(pair[0], (struct sockaddr *)&none, sizeof(none)));
	nobody.sin_addr.s_addr = htonl(0xc0000201);
	CALL(bind(in, (struct sockaddr *)&nobody, sizeof(nobody)));
	CALL(getpeername(in, (struct sockaddr *)&nobody, &len));
	CALL(getpeername(-1, (struct sockaddr *)&nobody, &len));
	CALL(getsockname(-1, (struct sockaddr *)&nobody, &len));
	CALL(getsockname(in, (struct sockaddr *)&nobody, &negative));
	close(pair[1]);
	CALL(send(pair[0], b, 1, MSG_NOSIGNAL));
	closefrom(3);
}

static void signals(void)
{
	sigset_t set;
	struct rlimit l = { 100, 50 }, more = { 1000, RLIM_INFINITY }, was;

	sigemptyset(&set);
	CALL(sigaction(0, NULL, NULL));
	CALL(sigaction(999, NULL, NULL));
	CALL(sigaction(SIGKILL, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL));
	CALL(sigaction(SIGUSR1, OPAQUE((struct sigaction *)NULL), OPAQUE((struct sigaction *)NULL)));
	CALL((long)signal(SIGSTOP, SIG_IGN));
	CALL((long)signal(999, SIG_IGN));
	CALL((long)sysv_signal(999, SIG_IGN));
	CALL((long)sigset(999, SIG_IGN));
	CALL(sigignore(999));
	CALL(siginterrupt(999, 1));
	CALL(sighold(999));
	CALL(sigrelse(999));
	CALL(sigprocmask(99, &set, NULL));
	ERR(pthread_sigmask(99, &set, NULL));
	CALL(setrlimit(999, &l));
	CALL(setrlimit(RLIMIT_NOFILE, &l));
	CALL(setrlimit(RLIMIT_NOFILE, OPAQUE((struct rlimit *)bad_page())));
	getrlimit(RLIMIT_FSIZE, &was);
	CALL(setrlimit(RLIMIT_NOFILE, &more));
	CALL(prlimit(1 << 22, RLIMIT_NOFILE, NULL, &was));
	CALL(prlimit(0, 999, NULL, &was));
	CALL(prlimit(0, RLIMIT_NOFILE, &l, NULL));
	CALL(prlimit(0, RLIMIT_NOFILE, NULL, OPAQUE((struct rlimit *)bad_page())));
	CALL(poll(OPAQUE((struct pollfd *)bad_page()), 1, 0));
	CALL(ppoll(OPAQUE((struct pollfd *)bad_page()), 1, NULL, NULL));
	CALL(close(-1));
	CALL(close_range(5, 3, 0));
	CALL(close_range(3, 5, 1 << 20));
	CALL(syscall(99999));
	CALL(readahead(-1, 0, 1));
	ERR(posix_fadvise(-1, 0, 0, 0));
}

static void door(void)
{
	begin();
	makers();
	watches();
	sockets();
	signals();
}
