/* SPDX-License-Identifier: MIT */
/*
 * curl's descriptors in the loop; see http_private.h. A connection that curl
 * puts by for later is left in the kernel's set until something happens on it:
 * two system calls less for each request on it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_private.h"

struct sock {
	uint32_t events;        /* the loop watches it for */
	unsigned char wanted;   /* by curl, now */
	unsigned char opened;   /* by us: its closing is seen */
};

static struct sock *socks;
static int nsocks;

static struct sock *sock_of(int fd)
{
	int n = fd + 64;
	struct sock *s;

	if (fd < nsocks)
		return &socks[fd];
	s = realloc(socks, (size_t)n * sizeof(*s));
	if (!s)
		return NULL;
	memset(s + nsocks, 0, (size_t)(n - nsocks) * sizeof(*s));
	socks = s;
	nsocks = n;
	return &socks[fd];
}

static void ready(void *arg, uint32_t events);

static int watch(int fd, uint32_t events)
{
	socks[fd].events = events;
	return loop_watch(fd, events, ready, (void *)(intptr_t)fd);
}

static void ready(void *arg, uint32_t events)
{
	int fd = (int)(intptr_t)arg, how = 0;

	if (!socks[fd].wanted) {
		watch(fd, 0);
		return;
	}
	if (events & EPOLLIN)
		how |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		how |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		how |= CURL_CSELECT_ERR;
	http_run(fd, how);
}

int http_want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *ours)
{
	struct sock *s = sock_of(fd);
	uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);

	(void)easy;
	(void)arg;
	(void)ours;
	if (!s)
		return -1;
	if (what == CURL_POLL_REMOVE)
		events = 0;
	s->wanted = events != 0;
	if (events == s->events || (!events && s->opened))
		return 0;
	return watch(fd, events) ? -1 : 0;
}

curl_socket_t http_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	struct sock *s = fd >= 0 ? sock_of(fd) : NULL;
	struct exchange *x = arg;

	(void)purpose;
	if (fd < 0)
		return CURL_SOCKET_BAD;
	if (!s) {
		close(fd);
		return CURL_SOCKET_BAD;
	}
	*s = (struct sock){ .opened = 1 };
	x->opened = 1;
	return fd;
}

int http_close_socket(void *arg, curl_socket_t fd)
{
	struct sock *s = sock_of(fd);

	(void)arg;
	if (s && s->events)
		watch(fd, 0);
	if (s)
		*s = (struct sock){ 0 };
	return close(fd);
}
