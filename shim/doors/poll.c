/* SPDX-License-Identifier: MIT */
/*
 * poll and select. A file without a kernel file is ready for whatever is asked,
 * as any regular file; its placeholder, a socket that listens, would not be. So
 * the kernel is asked about the others, with nothing to wait for if one of ours
 * was asked about. Without such files in the process these are libc's calls.
 */
#include <linux/fs.h>
#include <poll.h>
#include <string.h>

#include "door.h"
#include "base/user.h"

#define READY (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)
#define SETS 3                       /* of select: to read, to write, exceptional */

/* Room for a copy of what the program gave: of the stack's, or mapped. */
struct room {
	void *at;
	size_t size;
	long local[256];
};

static int room_get(struct room *r, size_t size)
{
	int saved;

	r->size = size;
	r->at = r->local;
	if (size <= sizeof(r->local))
		return 1;
	saved = errno;
	r->at = REAL(mmap)(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	errno = saved;
	return r->at != MAP_FAILED;
}

static void room_put(struct room *r)
{
	int saved = errno;

	if (r->at != r->local && r->at != MAP_FAILED)
		REAL(munmap)(r->at, r->size);
	errno = saved;
}

/* ---- poll ---- */

/* What poll tells of a file of ours: nothing is known of one opened with O_PATH. */
static short ready(const struct file *f, short events)
{
	return f->ofd->flags & O_PATH ? POLLNVAL : (short)(events & READY);
}

/* Hides ours in the copy. How many there are; *now: how many are ready. */
static int hide_ours(struct pollfd *copy, nfds_t n, int *now)
{
	int ours = 0;

	*now = 0;
	for (nfds_t i = 0; i < n; i++) {
		const struct file *f = object_of(copy[i].fd);

		copy[i].revents = 0;
		if (!f)
			continue;
		ours++;
		copy[i].fd = -1 - copy[i].fd;
		copy[i].revents = ready(f, copy[i].events);
		*now += copy[i].revents != 0;
	}
	return ours;
}

/* The program's entries get what the copy says; -1 is libc's, too. */
static int tell(struct pollfd *fds, const struct pollfd *copy, const struct pollfd *mine, nfds_t n)
{
	for (nfds_t i = 0; i < n; i++)
		fds[i].revents = mine[i].fd < 0 && fds[i].fd >= 0 ? mine[i].revents : copy[i].revents;
	return 0;
}

struct polling {
	struct room room;
	struct pollfd *mine, *asked;
	int now;                     /* ours that are ready */
};

/* Whether the call is about ours at all; if so two copies of it are made. errno is kept. */
static int poll_begin(struct polling *p, struct pollfd *fds, nfds_t n)
{
	p->room.at = p->room.local;
	if (!n || n > INT_MAX / (2 * sizeof(*fds)))
		return 0;
	if (!room_get(&p->room, 2 * n * sizeof(*fds)))
		return 0;
	p->mine = p->room.at;
	p->asked = p->mine + n;
	if (user_get(p->mine, fds, n * sizeof(*fds)) < 0 || !hide_ours(p->mine, n, &p->now)) {
		room_put(&p->room);
		return 0;
	}
	memcpy(p->asked, p->mine, n * sizeof(*fds));
	return 1;
}

static int poll_end(struct polling *p, struct pollfd *fds, nfds_t n, int r)
{
	if (r >= 0) {
		tell(fds, p->asked, p->mine, n);
		r += p->now;
	}
	room_put(&p->room);
	return r;
}

EXPORT int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	struct polling p;
	int r;

	if (!objects_on || !poll_begin(&p, fds, n))
		return REAL(poll)(fds, n, timeout);
	r = REAL(poll)(p.asked, n, p.now ? 0 : timeout);
	return poll_end(&p, fds, n, r);
}

TWIN_OF(__poll, poll)

EXPORT int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
	const struct timespec none = { 0 };
	struct polling p;
	int r;

	if (!objects_on || !poll_begin(&p, fds, n))
		return REAL(ppoll)(fds, n, timeout, mask);
	r = REAL(ppoll)(p.asked, n, p.now ? &none : timeout, mask);
	return poll_end(&p, fds, n, r);
}

/* ---- select ---- */

struct selecting {
	struct room room;
	size_t bytes;                /* of a set */
	fd_set *set[SETS];           /* the program's, NULL if not given */
	char *asked[SETS], *mine[SETS];
	int now;
};

static int *word(char *set, int fd)
{
	return (int *)set + fd / 32;
}

/*
 * Moves ours from what is asked to what is ready: exceptional is only what
 * cannot be polled at all. How many there were.
 */
static int take_ours(struct selecting *s, int n)
{
	int ours = 0;

	s->now = 0;
	for (int fd = 0; fd < n && (fd = fdtab_next(fd)) >= 0 && fd < n; fd++) {
		const struct file *f = object_of(fd);

		for (int i = 0; f && i < SETS; i++) {
			int bit = (int)(1u << fd % 32);

			if (!s->set[i] || !(*word(s->asked[i], fd) & bit))
				continue;
			ours++;
			*word(s->asked[i], fd) &= ~bit;
			if (i == 2 && !(f->ofd->flags & O_PATH))
				continue;
			*word(s->mine[i], fd) |= bit;
			s->now++;
		}
	}
	return ours;
}

/* Likewise. */
static int select_begin(struct selecting *s, int n, fd_set *in, fd_set *out, fd_set *ex)
{
	s->room.at = s->room.local;
	s->set[0] = in;
	s->set[1] = out;
	s->set[2] = ex;
	s->bytes = ((size_t)n + 63) / 64 * 8;
	if (n <= 0 || !room_get(&s->room, 2 * SETS * s->bytes))
		return 0;
	memset(s->room.at, 0, 2 * SETS * s->bytes);
	for (int i = 0; i < SETS; i++) {
		s->asked[i] = (char *)s->room.at + 2 * (size_t)i * s->bytes;
		s->mine[i] = s->asked[i] + s->bytes;
		if (s->set[i] && user_get(s->asked[i], s->set[i], s->bytes) < 0)
			n = 0;
	}
	if (n && take_ours(s, n))
		return 1;
	room_put(&s->room);
	return 0;
}

static fd_set *asked(const struct selecting *s, int i)
{
	return s->set[i] ? (fd_set *)s->asked[i] : NULL;
}

static int select_end(struct selecting *s, int r)
{
	for (int i = 0; r >= 0 && i < SETS; i++) {
		for (size_t b = 0; s->set[i] && b < s->bytes; b++)
			((char *)s->set[i])[b] = (char)(s->asked[i][b] | s->mine[i][b]);
	}
	room_put(&s->room);
	return r < 0 ? r : r + s->now;
}

EXPORT int select(int n, fd_set *in, fd_set *out, fd_set *ex, struct timeval *timeout)
{
	struct timeval none = { 0 };
	struct selecting s;
	int r;

	if (!objects_on || !select_begin(&s, n, in, out, ex))
		return REAL(select)(n, in, out, ex, timeout);
	r = REAL(select)(n, asked(&s, 0), asked(&s, 1), asked(&s, 2), s.now ? &none : timeout);
	return select_end(&s, r);
}

TWIN_OF(__select, select)

EXPORT int pselect(int n, fd_set *in, fd_set *out, fd_set *ex, const struct timespec *timeout,
		   const sigset_t *mask)
{
	const struct timespec none = { 0 };
	struct selecting s;
	int r;

	if (!objects_on || !select_begin(&s, n, in, out, ex))
		return REAL(pselect)(n, in, out, ex, timeout, mask);
	r = REAL(pselect)(n, asked(&s, 0), asked(&s, 1), asked(&s, 2), s.now ? &none : timeout, mask);
	return select_end(&s, r);
}
