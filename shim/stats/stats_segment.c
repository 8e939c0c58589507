/* SPDX-License-Identifier: MIT */
/*
 * Making or continuing the segment of this process; see stats_segment.h. The work of one process start: which tree, which segment,
 * who am I. It is bounded to a few dozen system calls.
 */
#include "stats_segment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "calls.h"
#include "conf/conf.h"
#include "stats_find.h"
#include "stats_map.h"
#include "stats_tree.h"

#define LOOKED_AT 512                 /* segments of the tree, for a dead one */
#define OWN_NAMES 8u                  /* images of one process with different layouts */

_Static_assert(CALLS <= SEG_CALLS, "a call has no number in the segment");
_Static_assert(CONF_RULES_MAX < SEG_RULES, "a rule has no number in the segment");

static const struct conf *conf;
static char default_dir[48];
static char tree[TREE_NAME_MAX];      /* "" until found; a fork child inherits it */
static int tree_from_env;

void segment_setup(const struct conf *c, const char *tree_id)
{
	conf = c;
	tree_from_env = tree_id && tree_name_valid(tree_id);
	strcpy(tree, tree_from_env ? tree_id : "");
}

/* ---- who and what ---- */

struct self {
	struct process p;
	uint64_t owner, pidns, layout;
	const char *dir_path;
	int dir, tree;                /* descriptors */
	unsigned looked;
	char name[TREE_SEG_NAME_MAX]; /* the name this process' segment gets */
};

static void rule_name(char buf[SEG_RULE_LEN], unsigned i)
{
	struct conf_rule *r = &conf->rules[i];
	const struct conf one = { .nrules = 1, .rules = r };

	/* as it would be written; of a very long one, both ends matter more than the options */
	if (conf_format_map(&one, buf, SEG_RULE_LEN) >= SEG_RULE_LEN)
		snprintf(buf, SEG_RULE_LEN, "%.90s=%.10s:%.80s", r->prefix, r->be->name, r->target);
}

static uint64_t layout_hash(void)
{
	uint64_t h = HASH_START;

	for (unsigned i = 0; i < CALLS; i++)
		h = hash_bytes(h, call_names[i], strlen(call_names[i]) + 1);
	for (unsigned i = 0; i < conf->nrules; i++) {
		const struct conf_rule *r = &conf->rules[i];

		h = hash_bytes(h, r->prefix, strlen(r->prefix) + 1);
		h = hash_bytes(h, r->be->name, strlen(r->be->name) + 1);
		h = hash_bytes(h, r->target, strlen(r->target) + 1);
		h = hash_bytes(h, r->value, sizeof(r->value));
	}
	return h;
}

static void read_cmdline(pid_t pid, char buf[SEG_CMD_LEN])
{
	char path[32];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	fd = REAL(open)(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = REAL(read)(fd, buf, SEG_CMD_LEN - 1);
		REAL(close)(fd);
	}
	n = n < 0 ? 0 : n;
	buf[n] = 0;
	while (n > 0 && !buf[n - 1])
		n--;
	while (n-- > 0)
		if (!buf[n])
			buf[n] = ' ';
}

static void read_exe(pid_t pid, char buf[SEG_EXE_LEN])
{
	char path[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = REAL(readlink)(path, buf, SEG_EXE_LEN - 1);
	buf[n < 0 ? 0 : n] = 0;
}

/* The header's part about the process that counts from now on. */
static void sign(struct seg_header *h, const struct self *me)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	h->head.last_start = (uint64_t)now.tv_sec;
	h->head.ppid = (uint32_t)me->p.ppid;
	read_exe(me->p.pid, h->exe[1]);
	read_cmdline(me->p.pid, h->cmdline[1]);
	if (h->head.processes++)
		return;
	h->head.first_start = h->head.last_start;
	memcpy(h->exe[0], h->exe[1], SEG_EXE_LEN);
	memcpy(h->cmdline[0], h->cmdline[1], SEG_CMD_LEN);
}

/* ---- continuing a segment ---- */

/* Its threads are gone with the image that had them. */
static void free_slots(struct seg_header *h)
{
	for (unsigned i = 0; i < h->head.narenas && i < SEG_ARENAS; i++)
		__atomic_store_n(&h->slot[i].owner, 0, __ATOMIC_RELAXED);
}

static int same_layout(const struct seg_head *head, const struct self *me)
{
	return head->layout == me->layout && head->pidns == me->pidns &&
	       head->arena_max <= SEG_ARENAS;
}

/* Takes over an open segment; closes it. Returns whether that worked. */
static int take_over(int fd, struct seg_head *head, const struct self *me)
{
	struct seg_header *h;
	int ok = map_base(fd, head->arena_max) == 0;

	REAL(close)(fd);
	if (!ok)
		return 0;
	h = map_header();
	if (!__atomic_compare_exchange_n(&h->head.owner, &head->owner, me->owner, 0,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
		map_undo();
		return 0;
	}
	free_slots(h);
	sign(h, me);
	return 1;
}

/*
 * The previous image's segment, if this process was made by exec. On 0,
 * me->name is a name nobody has.
 */
static int take_own(struct self *me)
{
	struct seg_head head;

	for (unsigned n = 0; n < OWN_NAMES; n++) {
		int fd;

		snprintf(me->name, sizeof(me->name), "%d-%llu-%u", (int)me->p.pid,
			 (unsigned long long)me->p.start, n);
		fd = tree_open_segment(me->tree, me->name, O_RDWR, &head);
		if (fd == -ENOENT)
			return 0;
		if (fd < 0)
			continue;
		if (head.owner == me->owner && same_layout(&head, me))
			return take_over(fd, &head, me);
		REAL(close)(fd);
	}
	return 0;
}

static int take_if_dead(const char *name, void *arg)
{
	struct self *me = arg;
	pid_t pid = (pid_t)strtoul(name, NULL, 10);
	struct seg_head head;
	int fd;

	if (me->looked++ >= LOOKED_AT)
		return -1;
	/* cheap, and right for all but the rarest */
	if (pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH)
		return 0;
	fd = tree_open_segment(me->tree, name, O_RDWR, &head);
	if (fd < 0)
		return 0;
	if (!same_layout(&head, me) || head.owner == SEG_GONE ||
	    !process_gone(head.owner, head.pidns)) {
		REAL(close)(fd);
		return 0;
	}
	if (!take_over(fd, &head, me))
		return 0;
	if (REAL(renameat)(me->tree, name, me->tree, me->name) < 0)
		snprintf(me->name, sizeof(me->name), "%s", name);
	return 1;
}

/* ---- a new segment ---- */

/* As long as it may become, within RLIMIT_FSIZE: growing past that would be a SIGXFSZ. */
static unsigned arenas_allowed(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_FSIZE, &lim) < 0 || lim.rlim_cur >= SEG_FULL_SIZE)
		return SEG_ARENAS;
	if (lim.rlim_cur < SEG_ARENA_AT)
		return 0;
	return (unsigned)((lim.rlim_cur - SEG_ARENA_AT) / SEG_ARENA_SIZE);
}

static void fill(struct seg_header *h, const struct self *me, unsigned arenas)
{
	h->head.version = SEG_VERSION;
	h->head.size = sizeof(*h);
	h->head.layout = me->layout;
	h->head.pidns = me->pidns;
	h->head.owner = me->owner;
	h->head.ncalls = CALLS;
	h->head.nrules = conf->nrules + 1;
	h->head.arena_max = arenas;
	for (unsigned i = 0; i < CALLS; i++)
		snprintf(h->call[i], SEG_CALL_LEN, "%s", call_names[i]);
	for (unsigned i = 0; i < conf->nrules; i++)
		rule_name(h->rule[i + 1], i);
	sign(h, me);
	__atomic_store_n(&h->head.magic, SEG_MAGIC, __ATOMIC_RELEASE);
}

/* 1, 0, or -1 if the file system has no room. */
static int build(int fd, const struct self *me)
{
	unsigned arenas = arenas_allowed();
	size_t need = offsetof(struct seg_header, rule) + (conf->nrules + 1) * SEG_RULE_LEN;

	if (!arenas || REAL(ftruncate)(fd, (off_t)(SEG_ARENA_AT + (uint64_t)arenas * SEG_ARENA_SIZE)) < 0)
		return 0;
	map_place(me->dir_path, tree, me->name);
	if (map_base(fd, arenas) < 0)
		return 0;
	if (segment_reserve(map_header(), 0, need) < 0) {
		map_undo();
		return -1;
	}
	fill(map_header(), me, arenas);
	return 1;
}

static int make_new(struct self *me)
{
	int fd = own_create(me->tree, me->name, O_EXCL | O_NOFOLLOW);
	int ok;

	if (fd < 0)
		return errno == ENOSPC ? -1 : 0;
	ok = build(fd, me);
	REAL(close)(fd);
	if (ok <= 0)
		REAL(unlinkat)(me->tree, me->name, 0);
	return ok;
}

/* ---- the tree ---- */

static void new_tree(const struct self *me)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(tree, sizeof(tree), "%lld-%d", (long long)now.tv_sec, (int)me->p.pid);
	tree_trim(me->dir, TREES_MAX - 1, 4);
}

static int enter_tree(struct self *me)
{
	if (!tree[0] && !tree_find(me->dir, &me->p, tree))
		new_tree(me);
	me->tree = tree_open(me->dir, tree, 1);
	return me->tree >= 0;
}

static int have_segment(struct self *me)
{
	int made;

	if (take_own(me) || tree_each(me->tree, take_if_dead, me) > 0)
		return 1;
	made = make_new(me);
	if (made >= 0)
		return made;
	/* a full file system: old reports for new ones */
	tree_trim(me->dir, TREES_MAX / 4, 4);
	return make_new(me) > 0;
}

static const char *where(void)
{
	if (conf->stats == CONF_STATS_DIR)
		return conf->stats_dir;
	tree_default_dir(default_dir, sizeof(default_dir));
	return default_dir;
}

static int make_in(struct self *me)
{
	int ok;

	if (!enter_tree(me))
		return 0;
	ok = have_segment(me);
	REAL(close)(me->tree);
	if (!ok)
		return 0;
	map_place(me->dir_path, tree, me->name);
	if (!tree_from_env)
		tree_remember(me->dir, &me->p, tree);
	return 1;
}

struct seg_header *segment_make(pid_t pid)
{
	struct self me = { .dir = -1 };
	int ok;

	process_find(pid, &me.p);
	me.owner = SEG_OWNER(pid, me.p.start);
	me.pidns = process_pidns();
	me.layout = layout_hash();
	me.dir_path = where();
	me.dir = tree_open_dir(me.dir_path, 1);
	if (me.dir < 0)
		return NULL;
	ok = make_in(&me);
	REAL(close)(me.dir);
	return ok ? map_header() : NULL;
}
