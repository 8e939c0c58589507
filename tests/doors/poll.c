/* SPDX-License-Identifier: MIT */
/*
 * poll, select and epoll: a file is always ready, and what else is asked about
 * is asked of the kernel. Fails if a result or a bit differs.
 */
#include "door.h"

#include <poll.h>
#include <sys/epoll.h>

#ifdef TWINS
int __poll(struct pollfd *fds, nfds_t n, int timeout);
int __select(int n, fd_set *in, fd_set *out, fd_set *ex, struct timeval *timeout);
#define poll(...) __poll(__VA_ARGS__)
#define select(...) __select(__VA_ARGS__)
#endif

static int rw, ro, wo, path, directory, v[2];
static char b_[8];

static void show(int line, const struct pollfd *p, int n)
{
	for (int i = 0; i < n; i++)
		say("%d:   %d: %x of %x", line, i, (unsigned)p[i].revents, (unsigned)p[i].events);
}

#define POLL(call) (CALL(call), show(__LINE__, p, (int)(sizeof(p) / sizeof(*p))))

static void polls(void)
{
	const short all = POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLWRNORM | POLLRDBAND | POLLRDHUP;
	struct pollfd p[] = {
		{ rw, all, 77 }, { ro, POLLIN, 77 }, { ro, POLLOUT, 77 }, { wo, POLLIN, 77 }, { rw, 0, 77 },
		{ v[0], POLLIN, 77 }, { v[1], POLLOUT, 77 }, { -1, POLLIN, 77 }, { 999, POLLIN, 77 },
		{ path, POLLIN, 77 }, { directory, POLLIN, 77 }, { rw, POLLPRI, 77 },
	};
	struct timespec ts = { 5, 0 };
	sigset_t none;

	sigemptyset(&none);
	POLL(poll(p, OPAQUE(12ul), -1));
	POLL(poll(p, 2, 0));
	write(v[1], "x", 1);
	POLL(ppoll(p, OPAQUE(12ul), &ts, &none));
	POLL(ppoll(p, 6, NULL, NULL));
	CALL(poll(OPAQUE((struct pollfd *)8), 3, 0));
	CALL(poll(OPAQUE(p), OPAQUE((nfds_t)1 << 30), 0));
	CALL(poll(NULL, 0, 1));
	read(v[0], b_, 1);
	/* none of ours is asked for what it has: the kernel waits */
	p[0] = (struct pollfd){ rw, POLLPRI, 0 };
	p[1] = (struct pollfd){ v[0], POLLIN, 0 };
	CALL(poll(p, 2, 30));
	show(__LINE__, p, 2);
	/* many */
	{
		static struct pollfd many[900];

		for (int i = 0; i < 900; i++)
			many[i] = (struct pollfd){ i % 3 ? rw : v[0], POLLIN, 0 };
		CALL(poll(many, 900, -1));
	}
}

static void bits(int line, const fd_set *in, const fd_set *out, const fd_set *ex)
{
	const int fds[] = { rw, ro, wo, directory, v[0], v[1] };

	for (int i = 0; i < 6; i++)
		say("%d:   %d: %d %d %d", line, i, !!FD_ISSET(fds[i], in), !!FD_ISSET(fds[i], out), !!FD_ISSET(fds[i], ex));
}

static void fill(fd_set *set)
{
	const int fds[] = { rw, ro, wo, directory, v[0], v[1] };

	FD_ZERO(set);
	for (int i = 0; i < 6; i++)
		FD_SET(fds[i], set);
}

static void selects(void)
{
	struct timeval tv = { 0, 30000 };
	struct timespec ts = { 0, 30000000 };
	fd_set in, out, ex;
	sigset_t none;

	sigemptyset(&none);
	fill(&in), fill(&out), fill(&ex);
	CALL(select(100, &in, &out, &ex, NULL));
	bits(__LINE__, &in, &out, &ex);
	fill(&in), fill(&out), fill(&ex);
	CALL(pselect(100, &in, NULL, &ex, &ts, &none));
	bits(__LINE__, &in, &out, &ex);
	fill(&in), fill(&out), fill(&ex);
	CALL(select(rw, &in, NULL, NULL, &tv));
	bits(__LINE__, &in, &out, &ex);
	FD_ZERO(&ex);
	FD_SET(rw, &ex);
	CALL(select(100, NULL, NULL, &ex, &tv));
	bits(__LINE__, &in, &out, &ex);
	fill(&in);
	FD_SET(60, &in);    /* one of the 64 any descriptor table has: select looks no further than that */
	CALL(select(100, &in, NULL, NULL, &tv));
	fill(&in);
	CALL(select(-1, &in, NULL, NULL, &tv));
	CALL(select(0, NULL, NULL, NULL, &(struct timeval){ 0, 1 }));
	fill(&in);
	CALL(select(100, OPAQUE((fd_set *)8), NULL, NULL, &tv));
	FD_ZERO(&in);
	FD_SET(path, &in);
	CALL(select(100, &in, NULL, NULL, &tv));
}

static void epolls(void)
{
	int e = epoll_create1(0);
	struct epoll_event ev = { .events = EPOLLIN };

	CALL(epoll_ctl(e, EPOLL_CTL_ADD, rw, &ev));
	CALL(epoll_ctl(e, EPOLL_CTL_ADD, directory, &ev));
	CALL(epoll_ctl(e, EPOLL_CTL_ADD, path, &ev));
	CALL(epoll_ctl(e, EPOLL_CTL_ADD, v[0], &ev));
	CALL(epoll_ctl(-1, EPOLL_CTL_ADD, rw, &ev));
	close(e);
}

static void door(void)
{
	make(P("file"), 1000, 1);
	rw = open(P("file"), O_RDWR);
	ro = open(P("file"), O_RDONLY);
	wo = open(P("file"), O_WRONLY);
	path = open(P("file"), O_PATH);
	directory = open(dir, O_RDONLY | O_DIRECTORY);
	pipe(v);
	polls();
	selects();
	epolls();
}
