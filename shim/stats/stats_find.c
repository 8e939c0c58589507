/* SPDX-License-Identifier: MIT */
/* The tree a process belongs to; see stats_find.h. */
#include "stats_find.h"

#include <errno.h>
#include <string.h>

#include "base/real.h"
#include "stats_layout.h"

#define INDEX ".pids"
#define ANCESTORS 6                   /* looked at for a tree to belong to */
#define ENTRIES 16384u
#define PROBE 4u

struct entry {
	uint64_t owner;               /* SEG_OWNER; 0 empty */
	char tree[72];
};

_Static_assert(sizeof(((struct entry *)0)->tree) >= TREE_NAME_MAX, "a tree's name does not fit");

static off_t place(pid_t pid)
{
	return (off_t)((unsigned)pid % ENTRIES * sizeof(struct entry));
}

static int look_up(int fd, const struct process *p, char tree[TREE_NAME_MAX])
{
	struct entry e[PROBE];
	uint64_t owner = SEG_OWNER(p->pid, p->start);
	ssize_t n = REAL(pread)(fd, e, sizeof(e), place(p->pid));

	for (ssize_t i = 0; i < n / (ssize_t)sizeof(*e); i++) {
		e[i].tree[TREE_NAME_MAX - 1] = 0;
		/* a half-written entry is no name, or an older process' */
		if (e[i].owner != owner || !tree_name_valid(e[i].tree))
			continue;
		strcpy(tree, e[i].tree);
		return 1;
	}
	return 0;
}

int tree_find(int dir, const struct process *me, char tree[TREE_NAME_MAX])
{
	int fd = REAL(openat)(dir, INDEX, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct process p = *me;
	int found = 0;

	if (fd < 0)
		return 0;
	for (int i = 0; i < ANCESTORS && !found; i++) {
		found = look_up(fd, &p, tree);
		if (!found && (p.ppid <= 1 || process_find(p.ppid, &p) < 0))
			break;
	}
	REAL(close)(fd);
	return found;
}

/* A growing write past RLIMIT_FSIZE would be a SIGXFSZ. */
static int allowed(void)
{
	struct rlimit lim;

	return getrlimit(RLIMIT_FSIZE, &lim) == 0 &&
	       lim.rlim_cur >= (ENTRIES + PROBE) * sizeof(struct entry);
}

/* Which of the entries for a process is free for it, or its own. */
static unsigned choose(const struct entry *e, unsigned n, uint64_t owner)
{
	for (unsigned i = 0; i < n; i++)
		if (!e[i].owner || SEG_OWNER_PID(e[i].owner) == SEG_OWNER_PID(owner))
			return i;
	for (unsigned i = 0; i < n; i++)
		if (kill(SEG_OWNER_PID(e[i].owner), 0) < 0 && errno == ESRCH)
			return i;
	return 0;
}

void tree_remember(int dir, const struct process *p, const char *tree)
{
	struct entry e[PROBE] = { { 0 } };
	struct entry mine = { .owner = SEG_OWNER(p->pid, p->start) };
	off_t at = place(p->pid);
	int fd = allowed() ? own_create(dir, INDEX, O_NOFOLLOW) : -1;

	if (fd < 0)
		return;
	strcpy(mine.tree, tree);
	if (REAL(pread)(fd, e, sizeof(e), at) >= 0) {
		at += (off_t)(choose(e, PROBE, mine.owner) * sizeof(mine));
		/* without room: then it starts a tree of its own */
		(void)!REAL(pwrite)(fd, &mine, sizeof(mine), at);
	}
	REAL(close)(fd);
}
