/* SPDX-License-Identifier: MIT */
/* Finding, trusting and removing trees of segments; see stats_tree.h. */
#include "stats_tree.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/real.h"
#include "stats_layout.h"

/* ---- processes ---- */

/*
 * /proc/PID/stat: "pid (comm) S ppid ...", threads the 20th field, start time
 * the 22nd; comm may hold anything. A first thread that ended before the others
 * is a Z, too.
 */
static int parse_stat(char *text, struct process *p)
{
	char *at = strrchr(text, ')');
	int field = 2;

	if (!at)
		return -EINVAL;
	p->zombie = at[1] == ' ' && (at[2] == 'Z' || at[2] == 'X');
	for (at++; *at && field < 22; at++) {
		if (*at != ' ')
			continue;
		if (++field == 4)
			p->ppid = (pid_t)strtoul(at, NULL, 10);
		if (field == 20 && strtoul(at, NULL, 10) > 1)
			p->zombie = 0;
		if (field == 22)
			p->start = strtoull(at, NULL, 10);
	}
	return field == 22 ? 0 : -EINVAL;
}

int process_find(pid_t pid, struct process *p)
{
	char text[512];
	ssize_t n;
	int fd;

	memset(p, 0, sizeof(*p));
	p->pid = pid;
	snprintf(text, sizeof(text), "/proc/%d/stat", (int)pid);
	fd = REAL(open)(text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = REAL(read)(fd, text, sizeof(text) - 1);
	REAL(close)(fd);
	if (n <= 0)
		return -ENOENT;
	text[n] = 0;
	return parse_stat(text, p);
}

uint64_t process_pidns(void)
{
	struct stat st;

	return own_stat(AT_FDCWD, "/proc/self/ns/pid", &st, 0) == 0 ? st.st_ino : 0;
}

int process_gone(uint64_t owner, uint64_t pidns)
{
	struct process p;

	if (owner == SEG_GONE)
		return 1;
	/* from elsewhere, its number means nothing here: better alive than lost */
	if (pidns != process_pidns())
		return 0;
	if (kill(SEG_OWNER_PID(owner), 0) < 0 && errno == ESRCH)
		return 1;
	if (!SEG_OWNER_START(owner) || process_find(SEG_OWNER_PID(owner), &p) < 0)
		return 0;
	return p.start != SEG_OWNER_START(owner);
}

/* ---- directories ---- */

int tree_name_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

	return n > 0 && n < TREE_NAME_MAX && !name[n];
}

void tree_default_dir(char *buf, size_t size)
{
	snprintf(buf, size, "/dev/shm/shim-%u", (unsigned)geteuid());
}

static int open_private(int at, const char *path, int make)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;
	int fd;

	fd = REAL(openat)(at, path, flags);
	if (fd < 0 && errno == ENOENT && make) {
		/* whatever the umask */
		if (REAL(mkdirat)(at, path, 0700) < 0 ? errno != EEXIST : REAL(fchmodat)(at, path, 0700, 0) < 0)
			return -errno;
		fd = REAL(openat)(at, path, flags);
	}
	if (fd < 0)
		return errno == ELOOP || errno == ENOTDIR ? -EPERM : -errno;
	if (own_fstat(fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & 077))
		return fd;
	REAL(close)(fd);
	return -EPERM;
}

int tree_open_dir(const char *path, int make)
{
	return open_private(AT_FDCWD, path, make);
}

int tree_open(int dir, const char *name, int make)
{
	return tree_name_valid(name) ? open_private(dir, name, make) : -EINVAL;
}

int tree_each(int fd, int (*each)(const char *name, void *arg), void *arg)
{
	_Alignas(struct dirent64) char buf[1024];
	long n;

	if (REAL(lseek)(fd, 0, SEEK_SET) < 0)
		return -errno;
	while ((n = REAL(syscall)(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n; ) {
			struct dirent64 *d = (struct dirent64 *)(buf + at);
			int stop = d->d_name[0] == '.' ? 0 : each(d->d_name, arg);

			if (stop)
				return stop;
			at += d->d_reclen;
		}
	}
	return n < 0 ? -errno : 0;
}

/* ---- segments ---- */

int tree_open_segment(int tree, const char *name, int flags, struct seg_head *head)
{
	int fd = REAL(openat)(tree, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (own_fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    REAL(pread)(fd, head, sizeof(*head), 0) == (ssize_t)sizeof(*head) &&
	    head->magic == SEG_MAGIC && head->version == SEG_VERSION &&
	    head->size == sizeof(struct seg_header))
		return fd;
	REAL(close)(fd);
	return -EINVAL;
}

/* Without a header, or with one of another version, only the name tells. */
static int name_gone(const char *name)
{
	pid_t pid = (pid_t)strtoul(name, NULL, 10);

	return pid <= 0 || (kill(pid, 0) < 0 && errno == ESRCH);
}

static int segment_gone(int tree, const char *name)
{
	struct seg_head head;
	int fd = tree_open_segment(tree, name, O_RDONLY, &head);

	if (fd < 0)
		return fd == -ENOENT || name_gone(name);
	REAL(close)(fd);
	return process_gone(head.owner, head.pidns);
}

/* Takes a dead segment away from whoever might continue it. */
static int condemn(int tree, const char *name)
{
	struct seg_head head, *h;
	int fd = tree_open_segment(tree, name, O_RDWR, &head);
	int done = 0;

	if (fd < 0)
		return fd == -ENOENT || name_gone(name);
	h = REAL(mmap)(NULL, SEG_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REAL(close)(fd);
	if (h == MAP_FAILED)
		return 0;
	if (process_gone(head.owner, head.pidns))
		done = __atomic_compare_exchange_n(&h->owner, &head.owner, SEG_GONE, 0,
						   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	REAL(munmap)(h, SEG_PAGE);
	return done;
}

static int stop_if_alive(const char *name, void *arg)
{
	return !segment_gone(*(int *)arg, name);
}

static int remove_segment(const char *name, void *arg)
{
	int tree = *(int *)arg;

	if (!condemn(tree, name))
		return -EBUSY;
	REAL(unlinkat)(tree, name, 0);
	return 0;
}

int tree_dead(int dir, const char *name)
{
	int tree = tree_open(dir, name, 0);
	int alive;

	if (tree < 0)
		return 0;
	alive = tree_each(tree, stop_if_alive, &tree);
	REAL(close)(tree);
	return !alive;
}

int tree_remove(int dir, const char *name)
{
	int tree = tree_open(dir, name, 0);
	int r;

	if (tree < 0)
		return tree;
	r = tree_each(tree, stop_if_alive, &tree) ? -EBUSY : 0;
	if (!r)
		r = tree_each(tree, remove_segment, &tree);
	REAL(close)(tree);
	if (!r && REAL(unlinkat)(dir, name, AT_REMOVEDIR) < 0)
		r = errno == ENOTEMPTY ? -EBUSY : -errno;
	return r;
}

/* ---- bounds ---- */

/* The oldest tree younger than `after`: names that begin with a number of seconds sort by it. */
struct oldest {
	int dir;
	unsigned count;
	long after, best;
	char name[TREE_NAME_MAX];
};

static int note_oldest(const char *name, void *arg)
{
	struct oldest *o = arg;
	struct stat st;

	if (!tree_name_valid(name) ||
	    own_stat(o->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	o->count++;
	if (st.st_mtime > o->after && (!o->name[0] || st.st_mtime < o->best)) {
		o->best = st.st_mtime;
		memcpy(o->name, name, strlen(name) + 1);
	}
	return 0;
}

void tree_trim(int dir, unsigned keep, unsigned most)
{
	struct stat st;
	long after = -1;

	/* where directories count their children as links, that is quick */
	if (own_fstat(dir, &st) < 0 || (st.st_nlink >= 2 && st.st_nlink - 2 <= keep))
		return;

	/* some of the oldest may be alive: look at a few more than are removed */
	for (unsigned tries = 2 * most; most && tries; tries--) {
		struct oldest o = { .dir = dir, .after = after };

		tree_each(dir, note_oldest, &o);
		if (o.count <= keep || !o.name[0])
			return;
		if (tree_remove(dir, o.name) == 0)
			most--;
		else
			after = o.best;
	}
}
