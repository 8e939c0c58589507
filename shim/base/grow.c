/* SPDX-License-Identifier: MIT */
/* Growing files of the shim's own; see grow.h. */
#include "grow.h"

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "quiet.h"
#include "real.h"
#include "rlimit.h"

struct growth {
	int fd, mode;
	off_t off, len;          /* off -1: the size is to be len */
	int result;
};

static uint64_t end_of(const struct growth *g)
{
	return (uint64_t)(g->off < 0 ? g->len : g->off + g->len);
}

static int grow(const struct growth *g)
{
	int r = g->off < 0 ? REAL(ftruncate)(g->fd, g->len) : REAL(fallocate)(g->fd, g->mode, g->off, g->len);

	return r < 0 ? -errno : 0;
}

/* In the task of its own, which shares our memory and descriptors, but no limits. */
static int unlimited(void *arg)
{
	struct growth *g = arg;
	struct rlimit most;

	getrlimit(RLIMIT_FSIZE, &most);
	most.rlim_cur = most.rlim_max;
	g->result = most.rlim_max < end_of(g) ? -EFBIG :
		    REAL(setrlimit)(RLIMIT_FSIZE, &most) < 0 ? -errno : grow(g);
	return 0;
}

/* Its end is nobody's news: it sends no signal, and a plain wait does not see it. */
static int grow_apart(struct growth *g)
{
	_Alignas(16) char stack[16384];
	struct quiet q;
	pid_t pid;
	int r;

	g->result = -EFBIG;
	quiet_begin(&q);
	pid = clone(unlimited, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | CLONE_FILES, g);
	if (pid > 0)
		waitpid(pid, NULL, __WCLONE);
	r = pid < 0 ? -errno : g->result;
	quiet_end(&q);
	return r;
}

static int run(struct growth g)
{
	return end_of(&g) > rlimit_fsize() ? grow_apart(&g) : grow(&g);
}

int grow_allocate(int fd, int mode, off_t off, off_t len)
{
	return run((struct growth){ .fd = fd, .mode = mode, .off = off, .len = len });
}

int grow_truncate(int fd, off_t len)
{
	return run((struct growth){ .fd = fd, .off = -1, .len = len });
}
