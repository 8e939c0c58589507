/* SPDX-License-Identifier: MIT */
/*
 * last_close DIR: what an agent beside the programs does for object:DIR, to
 * show that a last close can be waited for. It follows the registry, connects
 * to each placeholder when it appears, and at the hang-up ends what nobody
 * claimed. Until SIGTERM; prints "ID opened", and at the end "ID closed" or
 * "ID lost", or "ID ended" if that was not for it to do.
 *
 * last_close DIR forgotten: 0 if a description that was ended, and not
 * forgotten since its end was killed, is gone after a sweep.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>

#include "base/hidden.h"
#include "files/mount.h"
#include "object/ofd_files.h"
#include "options.h"
#include "base/real.h"
#include "stats/stats_tree.h"

#define TRY_AGAIN 20    /* ms, while somebody else ends one */

extern const struct backend be_object;

struct watched {
	struct watched *next;
	struct ofd *o;
	int fd;             /* connected to its placeholder */
	int hung_up;
};

static struct conf_rule rule;
static struct mount m = { .rule = &rule, .be = &be_object };
static struct watched *all;
static int dir, epoll;

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static int known(const char *id)
{
	for (struct watched *w = all; w; w = w->next)
		if (!strcmp(w->o->id, id))
			return 1;
	return 0;
}

/* Connects: it is dead already, or its death will be told. */
static void follow(struct watched *w)
{
	struct epoll_event e = { .events = EPOLLRDHUP, .data.ptr = w };
	struct sockaddr_un a;

	ofd_address(&a, w->o->id, "");
	w->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->fd < 0)
		die("socket");
	w->hung_up = connect(w->fd, (struct sockaddr *)&a, sizeof(a)) < 0;
	if (w->hung_up && errno == EAGAIN)
		die("connect");
	if (!w->hung_up && epoll_ctl(epoll, EPOLL_CTL_ADD, w->fd, &e) < 0)
		die("epoll_ctl");
}

static void watch(const char *id)
{
	char name[OFD_ID + 8];
	struct watched *w;
	struct ofd *o;

	if (known(id) || !(o = ofd_record(dir, ofd_entry(name, id, ".ofd"))))
		return;
	if (!ofd_described(o) || !ofd_is_of(o, &m)) {
		ofd_unmap(o);
		return;
	}
	w = calloc(1, sizeof(*w));
	w->o = o;
	w->next = all;
	all = w;
	printf("%s opened\n", o->id);
	follow(w);
}

static int watch_entry(const char *name, void *arg)
{
	char id[OFD_ID];

	(void)arg;
	if (strspn(name, "0123456789abcdef") == OFD_ID - 1 &&
	    (!name[OFD_ID - 1] || !strcmp(name + OFD_ID - 1, ".ofd"))) {
		memcpy(id, name, OFD_ID - 1);
		id[OFD_ID - 1] = 0;
		watch(id);
	}
	return 0;
}

static void appeared(int notify)
{
	_Alignas(struct inotify_event) char buf[8192];
	ssize_t n = read(notify, buf, sizeof(buf));

	for (ssize_t at = 0; at < n; ) {
		const struct inotify_event *e = (const void *)(buf + at);

		if (e->mask & IN_Q_OVERFLOW)
			tree_each(dir, watch_entry, NULL);
		else if (e->len)
			watch_entry(e->name, NULL);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
}

/* Whether it is over: somebody claimed and ended it, or we did now. */
static int over(struct watched *w)
{
	enum ofd_end how;

	if (ofd_end(&m, w->o, &how))
		printf("%s %s\n", w->o->id, how == OFD_LOST ? "lost" : "closed");
	else if (w->o->ended)
		printf("%s ended\n", w->o->id);
	else
		return 0;
	return 1;
}

/* Ends what has hung up; how many somebody else is still busy with. */
static int reap(void)
{
	int busy = 0;

	for (struct watched **p = &all, *w; (w = *p); ) {
		if (!w->hung_up || !over(w)) {
			busy += w->hung_up;
			p = &w->next;
			continue;
		}
		*p = w->next;
		close(w->fd);
		ofd_unmap(w->o);
		free(w);
	}
	return busy;
}

static int forgotten(void)
{
	char name[OFD_ID + 8];
	struct ofd *o;
	int fd = ofd_make(&m, "/forgotten", O_RDWR, &o);

	if (fd < 0)
		die("ofd_make");
	o->ended = 1;
	close(fd);
	ofd_sweep(&m);
	return faccessat(dir, ofd_entry(name, o->id, ".ofd"), F_OK, 0) == 0 || faccessat(dir, o->id, F_OK, 0) == 0;
}

static void add(int fd, void *tag)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = tag };

	if (fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		die("epoll");
}

int main(int argc, char **argv)
{
	int notify = inotify_init1(IN_CLOEXEC), ends;
	char path[64];
	sigset_t term;

	if (argc < 2)
		return 2;
	real_init();
	snprintf(rule.target, sizeof(rule.target), "%s", argv[1]);
	rule.value[OBJECT_PUBLISH] = OBJECT_PUBLISH_CLOSE;
	setvbuf(stdout, NULL, _IOLBF, 0);
	dir = ofd_directory(1);
	if (argc > 2)
		return forgotten();
	epoll = epoll_create1(EPOLL_CLOEXEC);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	ends = signalfd(-1, &term, SFD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	if (inotify_add_watch(notify, path, IN_MOVED_TO) < 0)
		die("inotify");
	add(notify, &dir);
	add(ends, &epoll);
	tree_each(dir, watch_entry, NULL);
	puts("watching");
	for (;;) {
		struct epoll_event e[64];
		int n = epoll_wait(epoll, e, 64, reap() ? TRY_AGAIN : -1);

		for (int i = 0; i < n; i++) {
			if (e[i].data.ptr == &epoll)
				return 0;
			if (e[i].data.ptr == &dir)
				appeared(notify);
			else
				((struct watched *)e[i].data.ptr)->hung_up = 1;
		}
	}
}
