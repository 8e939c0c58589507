/* SPDX-License-Identifier: MIT */
/* The connection with the agent; see link.h. */
#include "link.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "files/fdtab.h"
#include "files/hide.h"
#include "base/pool.h"
#include "base/quiet.h"
#include "base/real.h"
#include "start.h"

#define LOOK 100000000          /* nanoseconds of waiting before the socket is looked at */
#define PAUSE 1000000000ull     /* ... after a failure before the next try */

static struct pool links = POOL_INIT(struct link, 4);
static struct link *_Atomic current;
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
static _Atomic unsigned serials, waiting;

/* ---- futexes, in shared memory */

static int futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	const struct timespec look = { .tv_nsec = LOOK };

	return REAL(syscall)(SYS_futex, word, FUTEX_WAIT, value, &look, NULL, 0) < 0 ? -errno : 0;
}

static void futex_wake(_Atomic uint32_t *word)
{
	REAL(syscall)(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* ---- made and given back */

static void drop_fd(struct link *l, _Atomic int *fd)
{
	if (!l->temporary)
		hide_close(fd);
	else if (*fd >= 0)
		REAL(close)(*fd);
}

static size_t table_size(const struct link *l)
{
	return l->nchunks * sizeof(struct s3_chunk);
}

static void destroy(struct link *l)
{
	drop_fd(l, &l->sock);
	drop_fd(l, &l->bell);
	drop_fd(l, &l->cache);
	if (l->channel)
		REAL(munmap)(l->channel, sizeof(*l->channel));
	if (l->chunks)
		REAL(munmap)((void *)(uintptr_t)l->chunks, table_size(l));
	pool_put(&links, l);
}

void link_put(struct link *l)
{
	if (atomic_fetch_sub(&l->refs, 1) == 1)
		destroy(l);
}

static int ref(struct link *l)
{
	unsigned n = atomic_load(&l->refs);

	while (n && !atomic_compare_exchange_weak(&l->refs, &n, n + 1))
		;
	return n != 0;
}

/* Nobody will be answered; whoever comes next makes another. */
static void lost(struct link *l)
{
	struct link *was = l;

	atomic_store(&l->dead, 1);
	if (atomic_compare_exchange_strong(&current, &was, NULL))
		link_put(l);
}

/* Takes one descriptor over, hidden where this process has a table. */
static int keep(struct link *l, int fd, _Atomic int *slot)
{
	if (!l->temporary)
		return hide_fd(fd, slot);
	*slot = fd;
	return 0;
}

static int map(struct link *l, int channel, int cache)
{
	void *p = REAL(mmap)(NULL, sizeof(*l->channel), PROT_READ | PROT_WRITE, MAP_SHARED, channel, 0);

	if (p == MAP_FAILED)
		return -errno;
	l->channel = p;
	p = REAL(mmap)(NULL, table_size(l), PROT_READ, MAP_SHARED, cache, 0);
	if (p == MAP_FAILED)
		return -errno;
	l->chunks = p;
	return 0;
}

static int fill(struct link *l, int fd[START_FDS])
{
	int r = map(l, fd[START_CHANNEL], fd[START_CACHE]);

	REAL(close)(fd[START_CHANNEL]);
	fd[START_CHANNEL] = -1;
	if (r == 0 && (r = keep(l, fd[START_SOCK], &l->sock)) == 0)
		fd[START_SOCK] = -1;
	if (r == 0 && (r = keep(l, fd[START_BELL], &l->bell)) == 0)
		fd[START_BELL] = -1;
	if (r == 0 && (r = keep(l, fd[START_CACHE], &l->cache)) == 0)
		fd[START_CACHE] = -1;
	for (int i = 0; i < START_FDS; i++)
		if (fd[i] >= 0)
			REAL(close)(fd[i]);
	return r;
}

static struct link *make(int temporary, int *err)
{
	struct link *l = pool_get(&links);
	struct s3_welcome w;
	int fd[START_FDS];

	if (!l) {
		*err = -ENOMEM;
		return NULL;
	}
	memset(l, 0, sizeof(*l));
	l->sock = l->bell = l->cache = -1;
	l->temporary = temporary;
	l->pid = getpid();
	l->serial = atomic_fetch_add(&serials, 1) + 1;
	*err = start_connect(fd, &w);
	if (!*err) {
		l->nchunks = w.chunks;
		memcpy(l->spool, w.spool, sizeof(l->spool));
		l->spool[PATH_MAX - 1] = 0;
		*err = fill(l, fd);
	}
	if (*err) {
		destroy(l);
		return NULL;
	}
	l->refs = 1;
	return l;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static struct link *get_current(pid_t pid)
{
	struct link *l = atomic_load(&current);

	if (!l || !ref(l))
		return NULL;
	if (l == atomic_load(&current) && l->pid == pid && !l->dead)
		return l;
	link_put(l);
	return NULL;
}

/* Without an agent not every call of the program is to wait for one. */
static struct link *make_shared(pid_t pid, int *err)
{
	static uint64_t failed;
	static int error;
	struct link *l;

	pthread_mutex_lock(&making);
	l = get_current(pid);
	if (!l && failed && now() - failed < PAUSE) {
		*err = error;
	} else if (!l) {
		l = make(0, err);
		failed = l ? 0 : now();
		error = *err;
		if (l) {
			l->refs = 2;
			atomic_store(&current, l);
		}
	}
	pthread_mutex_unlock(&making);
	return l;
}

static struct link *make_quietly(pid_t pid, int *err)
{
	int temporary = pid != fdtab_owner();
	struct quiet q;
	struct link *l;

	quiet_begin(&q);
	l = temporary ? make(1, err) : make_shared(pid, err);
	quiet_end(&q);
	return l;
}

struct link *link_get(int *err)
{
	pid_t pid = getpid();
	struct link *l = get_current(pid);

	*err = 0;
	return l ? l : make_quietly(pid, err);
}

int link_has(void)
{
	struct link *l = get_current(getpid());

	if (l)
		link_put(l);
	return l != NULL;
}

/* Calls that other threads were in keep their memory, unused: they are not here to give it back. */
void link_fork_child(void)
{
	struct link *l = atomic_exchange(&current, NULL);

	pthread_mutex_init(&making, NULL);
	if (!l)
		return;
	atomic_store(&l->dead, 1);
	hide_close(&l->sock);
	hide_close(&l->bell);
	hide_close(&l->cache);
	link_put(l);
}

/* ---- calls */

static struct s3_slot *find_slot(struct s3_channel *ch)
{
	for (unsigned i = 0; i < S3_SLOTS; i++) {
		uint32_t state = S3_FREE;

		if (atomic_load_explicit(&ch->slot[i].state, memory_order_relaxed) == S3_FREE &&
		    atomic_compare_exchange_strong(&ch->slot[i].state, &state, S3_TAKEN))
			return &ch->slot[i];
	}
	return NULL;
}

/* Whether the other side of the socket is gone, or the socket. */
static int is_gone(struct link *l)
{
	int sock = l->sock;
	struct pollfd p = { .fd = sock, .events = POLLIN | POLLRDHUP };
	int n = REAL(poll)(&p, 1, 0);

	return l->dead || (n > 0 && sock == l->sock);
}

struct s3_slot *link_slot(struct link *l)
{
	struct s3_channel *ch = l->channel;
	struct s3_slot *slot = find_slot(ch);

	if (slot)
		return slot;
	atomic_fetch_add(&waiting, 1);
	for (;;) {
		uint32_t freed = atomic_load(&ch->freed);

		slot = find_slot(ch);
		if (slot)
			break;
		if (futex_wait(&ch->freed, freed) == -ETIMEDOUT && is_gone(l)) {
			lost(l);
			break;
		}
	}
	atomic_fetch_sub(&waiting, 1);
	return slot;
}

void link_free(struct link *l, struct s3_slot *slot)
{
	if (l->dead)
		return;
	atomic_store(&slot->state, S3_FREE);
	if (atomic_load(&waiting)) {
		atomic_fetch_add(&l->channel->freed, 1);
		futex_wake(&l->channel->freed);
	}
}

/* The agent itself says that it is awake, so that a ring that is interrupted misleads nobody. */
static void ring(struct link *l)
{
	const uint64_t one = 1;

	if (atomic_load(&l->channel->sleeping) && REAL(write)(l->bell, &one, sizeof(one)) < 0 && is_gone(l))
		lost(l);
}

void link_tell(struct link *l, struct s3_slot *slot)
{
	size_t i = (size_t)(slot - l->channel->slot);

	atomic_store(&slot->state, S3_ASKED);
	atomic_fetch_or(&l->channel->asked[i / 64], 1ull << i % 64);
	ring(l);
}

int64_t link_ask(struct link *l, struct s3_slot *slot)
{
	link_tell(l, slot);
	while (!l->dead) {
		uint32_t state = S3_ASKED;

		if (!atomic_compare_exchange_strong(&slot->state, &state, S3_WAITED) && state == S3_ANSWERED)
			return slot->result;
		if (futex_wait(&slot->state, S3_WAITED) != -ETIMEDOUT)
			continue;
		if (is_gone(l))
			lost(l);
		else
			ring(l);
	}
	return LINK_LOST;
}

int link_saw(struct link *l, struct s3_slot *slot)
{
	size_t i = (size_t)(slot - l->channel->slot);

	return !(atomic_load(&l->channel->asked[i / 64]) >> i % 64 & 1);
}

/* ---- bytes */

ssize_t link_read(struct link *l, const struct s3_piece *p, uint64_t skip, const struct iovec *iov, int cnt)
{
	int fd = l->cache;
	ssize_t n;

	if (p->chunk >= l->nchunks || skip >= p->len)
		return 0;
	n = REAL(preadv)(fd, iov, cnt, (off_t)(p->at + skip));
	if (n < 0 && errno == EFAULT)
		return -EFAULT;
	atomic_thread_fence(memory_order_acquire);
	return n > 0 && l->cache == fd && atomic_load(&l->chunks[p->chunk].generation) == p->generation ? n : 0;
}
