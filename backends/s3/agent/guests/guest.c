/* SPDX-License-Identifier: MIT */
/*
 * Guests; see guest.h. A guest that asked lately is looked at in every round;
 * one that did not for a while rings its bell when it asks again.
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utlist.h>

#include "read/cache.h"
#include "loop/log.h"
#include "loop/loop.h"

struct guest {
	int sock, bell;
	pid_t pid;                      /* as it says */
	struct s3_channel *channel;     /* NULL: has not said hello */
	struct handles *handles;
	struct call *calls;
	int gone;                       /* what is left are calls that cannot be cancelled */
	int awake;                      /* in the list of those who are looked at */
	struct guest *next_awake;
};

static int listener = -1, spare = -1;
static unsigned count, calls;
static struct guest *awake;

unsigned guest_count(void)
{
	return count;
}

unsigned guest_calls(void)
{
	return calls;
}

/* ---- the end of a guest */

static void free_guest(struct guest *g)
{
	if (g->channel)
		munmap(g->channel, sizeof(*g->channel));
	free(g);
}

static void free_call(struct call *c)
{
	struct guest *g = c->guest;

	if (c->base)
		object_put(c->base);
	if (c->handle)
		handle_put(c->handle);
	DL_DELETE(g->calls, c);
	calls--;
	free(c);
	if (g->gone && !g->calls)
		free_guest(g);
}

/* Its reads end with it; what changes something goes on. */
static void guest_gone(struct guest *g)
{
	struct call *c, *next;

	log_say(LOG_DEBUG, "guest %d is gone", (int)g->pid);
	loop_watch(g->sock, 0, NULL, NULL);
	close(g->sock);
	if (g->channel) {
		loop_watch(g->bell, 0, NULL, NULL);
		close(g->bell);
		count--;
	}
	if (g->awake)
		LL_DELETE2(awake, g, next_awake);
	DL_FOREACH_SAFE(g->calls, c, next) {
		if (c->reading) {
			object_read_cancel(&c->read);
			free_call(c);
		}
	}
	handles_drop_all(&g->handles);
	g->gone = 1;
	if (!g->calls)
		free_guest(g);
}

/* Looked at in every round from now on, until it asks nothing. */
static void wake(struct guest *g)
{
	atomic_store(&g->channel->sleeping, 0);
	if (g->awake)
		return;
	g->awake = 1;
	g->next_awake = awake;
	awake = g;
}

/* ---- calls */

struct handles **guest_handles(struct guest *g)
{
	return &g->handles;
}

static void begin(struct guest *g, struct s3_slot *slot)
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->guest = g;
	c->slot = slot;
	DL_PREPEND(g->calls, c);
	calls++;
	slot->name[S3_NAME_MAX - 1] = slot->text[S3_NAME_MAX - 1] = 0;
	slot->spool[NAME_MAX] = 0;
	slot->pieces = 0;
	call_begin(c);
}

/* Nobody waits for the answer to a drop. */
static void tell(struct s3_slot *slot)
{
	if (slot->ask == S3_DROP)
		atomic_store(&slot->state, S3_FREE);
	else if (atomic_exchange(&slot->state, S3_ANSWERED) == S3_WAITED)
		syscall(SYS_futex, &slot->state, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/*
 * What the agent's parts and S3 say to each other by an errno that no call on
 * a file has (304, 416, too much XML) is EIO to a program. Extended attributes
 * have some of these themselves.
 */
static int64_t as_told(const struct call *c, int64_t result)
{
	int is_xattr = c->slot->ask == S3_GETXATTR || c->slot->ask == S3_LISTXATTR || c->slot->ask == S3_SETXATTR;

	switch (result) {
	case -EALREADY:
	case -ERANGE:
	case -E2BIG:
		return is_xattr ? result : -EIO;
	}
	return result;
}

/* Who is answered will ask again, and need not ring while we are at work. */
void call_answer(struct call *c, int64_t result)
{
	c->slot->result = as_told(c, result);
	if (!c->guest->gone) {
		wake(c->guest);
		tell(c->slot);
	}
	free_call(c);
}

void call_done(void *arg, int err)
{
	call_answer(arg, err);
}

void call_answer_bytes(struct call *c, const void *p, size_t n)
{
	struct chunk *k = cache_get(n ? n : 1);

	if (!k) {
		call_answer(c, -ENOMEM);
		return;
	}
	memcpy(cache_bytes(k), p, n);
	c->slot->piece[0] = (struct s3_piece){ k->index, cache_generation(k), k->at, 0, n };
	c->slot->pieces = 1;
	cache_release(k);
	call_answer(c, (int64_t)n);
}

int call_handle(struct call *c, struct object *o, struct stage *st)
{
	struct handle *h = c->guest->gone ? NULL : handles_add(&c->guest->handles);

	if (!h) {
		if (o)
			object_put(o);
		if (st)
			stage_put(st);
		return -ENOMEM;
	}
	h->bucket = c->bucket;
	h->object = o;
	h->stage = st;
	h->name = o ? strdup(c->slot->name) : NULL;
	c->slot->handle = h->id;
	return 0;
}

void call_ends_handle(struct call *c)
{
	if (handles_find(c->guest->handles, c->handle->id) == c->handle)
		handles_drop(&c->guest->handles, c->handle);
}

/* Whether anything was asked. */
static int look(struct guest *g)
{
	struct s3_channel *ch = g->channel;
	int found = 0;

	for (unsigned i = 0; i < S3_SLOTS / 64; i++) {
		uint64_t asked = atomic_load(&ch->asked[i]) ? atomic_exchange(&ch->asked[i], 0) : 0;

		for (; asked; asked &= asked - 1, found = 1)
			begin(g, &ch->slot[64 * i + (unsigned)__builtin_ctzll(asked)]);
	}
	return found;
}

/* ---- who sleeps */

/* Whoever did not ask is to ring from now on; what it asked just before that is seen here. */
static int before_sleep(void)
{
	int busy = 0;

	for (struct guest **at = &awake, *g; (g = *at);) {
		int found = look(g);

		if (!found) {
			atomic_store(&g->channel->sleeping, 1);
			found = look(g);
		}
		busy |= found;
		if (found) {
			atomic_store(&g->channel->sleeping, 0);
			at = &g->next_awake;
		} else {
			g->awake = 0;
			*at = g->next_awake;
		}
	}
	return busy;
}

/* Those who are awake need not wait until all that a socket has is read. */
static void look_all(void)
{
	for (struct guest *g = awake; g; g = g->next_awake)
		look(g);
}

static void rung(void *arg, uint32_t events)
{
	struct guest *g = arg;
	eventfd_t n;

	(void)events;
	eventfd_read(g->bell, &n);
	wake(g);
	look(g);
}

/* ---- connections */

static void ended(void *arg, uint32_t events)
{
	(void)events;
	guest_gone(arg);
}

/* Sealed, so that no guest can take the memory from under us. */
static int make_channel(struct guest *g)
{
	int fd = memfd_create("shim-s3", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *p = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, sizeof(*g->channel)) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		p = mmap(NULL, sizeof(*g->channel), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		int err = -errno;

		if (fd >= 0)
			close(fd);
		return err;
	}
	g->channel = p;
	atomic_store(&g->channel->sleeping, 1);
	return fd;
}

static int send_welcome(struct guest *g, int channel)
{
	struct s3_welcome w = { .proto = S3_PROTO, .pid = (uint32_t)getpid(), .chunks = cache_chunks() };
	int fds[] = { channel, cache_fd(), g->bell };
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(fds))]; } control = { 0 };
	struct iovec iov = { &w, sizeof(w) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	snprintf(w.spool, sizeof(w.spool), "%s", write_spool());
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	return sendmsg(g->sock, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int welcome(struct guest *g)
{
	int channel, err;

	g->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (g->bell < 0)
		return -errno;
	channel = make_channel(g);
	err = channel < 0 ? channel : send_welcome(g, channel);
	if (channel >= 0)
		close(channel);
	if (!err)
		err = loop_watch(g->bell, EPOLLIN, rung, g);
	if (!err)
		err = loop_watch(g->sock, EPOLLIN | EPOLLRDHUP, ended, g);
	if (err)
		close(g->bell);
	return err;
}

static void greeted(void *arg, uint32_t events)
{
	struct guest *g = arg;
	struct s3_hello h;
	ssize_t n = recv(g->sock, &h, sizeof(h), MSG_DONTWAIT);
	int err = n == sizeof(h) && h.proto == S3_PROTO ? 0 : -EPROTO;

	(void)events;
	if (!err) {
		g->pid = (pid_t)h.pid;
		err = welcome(g);
	}
	if (!err) {
		count++;
		log_say(LOG_DEBUG, "guest %d", (int)g->pid);
		return;
	}
	log_say(LOG_WARN, "a guest is turned away: %s", strerror(-err));
	loop_watch(g->sock, 0, NULL, NULL);
	close(g->sock);
	free_guest(g);
}

static int is_ours(int sock)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == geteuid();
}

/* Without a descriptor left, whoever knocks is told so by the end of the connection. */
static int turn_away(void)
{
	int sock;

	close(spare);
	sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (sock >= 0)
		close(sock);
	spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return sock < 0;
}

static void knocked(void *arg, uint32_t events)
{
	int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct guest *g = sock < 0 || !is_ours(sock) ? NULL : calloc(1, sizeof(*g));

	(void)arg, (void)events;
	if (sock < 0 && (errno == EMFILE || errno == ENFILE)) {
		turn_away();
		return;
	}
	if (g) {
		g->sock = sock;
		if (loop_watch(sock, EPOLLIN, greeted, g) == 0)
			return;
		free(g);
	}
	if (sock >= 0)
		close(sock);
}

int guest_init(int fd)
{
	listener = fd;
	spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	loop_before_sleep(before_sleep);
	loop_between(look_all);
	return loop_watch(fd, EPOLLIN, knocked, NULL);
}
