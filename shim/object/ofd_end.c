/* SPDX-License-Identifier: MIT */
/* The end of open file descriptions without a kernel file; see ofd.h. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "files/mount.h"
#include "object_map.h"
#include "ofd_files.h"
#include "base/real.h"
#include "stats/stats_tree.h"

#define PATIENCE 300       /* ms that a close waits for another one's */

/* -errno of a connect that cannot succeed: -EPROTOTYPE if there is a socket of that name. */
static int probe(int s, const char *id, const char *suffix)
{
	struct sockaddr_un a;

	ofd_address(&a, id, suffix);
	return REAL(connect)(s, (struct sockaddr *)&a, sizeof(a)) < 0 ? -errno : -EPROTOTYPE;
}

/* Between the first two it may have got its name: that is asked again. */
static enum ofd_state ask(int s, const char *id)
{
	static const char *const suffixes[] = { "", ".new", "" };
	int r = -ENOENT;

	for (int i = 0; i < 3 && r == -ENOENT; i++)
		r = probe(s, id, suffixes[i]);
	return r == -EPROTOTYPE ? OFD_ALIVE : r == -ECONNREFUSED ? OFD_DEAD : OFD_UNKNOWN;
}

static int asker(void)
{
	return REAL(socket)(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

enum ofd_state ofd_state(const struct ofd *o)
{
	enum ofd_state state;
	int s = asker();

	if (s < 0)
		return OFD_UNKNOWN;
	state = ask(s, o->id);
	REAL(close)(s);
	return state;
}

int ofd_gone(const char *id)
{
	char name[OFD_ID + 8];
	int s = asker(), dir, r;
	enum ofd_state state;

	if (s < 0)
		return 0;
	state = ask(s, id);
	REAL(close)(s);
	if (state != OFD_UNKNOWN)
		return state == OFD_DEAD;
	dir = ofd_directory(0);
	if (dir < 0)
		return 0;
	r = REAL(faccessat)(dir, ofd_entry(name, id, ".ofd"), F_OK, 0) < 0 && errno == ENOENT;
	REAL(close)(dir);
	return r;
}

static int locked(struct ofd *o, int r)
{
	return r == 0 || (r == EOWNERDEAD && pthread_mutex_consistent(&o->end) == 0);
}

int ofd_end_lock(struct ofd *o)
{
	struct timespec until;
	int r;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += PATIENCE * 1000000l;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	r = pthread_mutex_timedlock(&o->end, &until);
	return locked(o, r) ? 1 : r == EDEADLK ? 0 : -1;
}

void ofd_end_unlock(struct ofd *o, int held)
{
	if (held > 0)
		pthread_mutex_unlock(&o->end);
}

int ofd_claim(struct ofd *o)
{
	if (!locked(o, pthread_mutex_trylock(&o->end)))
		return 0;
	if (!o->ended)
		return 1;
	pthread_mutex_unlock(&o->end);
	return 0;
}

/* The record goes first: a socket without one is nobody's. */
static void remove_files(const char *id, int has_name)
{
	static const char *const suffixes[] = { ".ofd", "", ".new" };
	struct sockaddr_un a;

	for (int i = 0; i < 3 - has_name; i++) {
		ofd_address(&a, id, suffixes[i]);
		REAL(unlinkat)(AT_FDCWD, a.sun_path, 0);
	}
}

static void forget(struct ofd *o, int has_name)
{
	o->ended = 1;
	remove_files(o->id, has_name);
}

void ofd_forget(struct ofd *o)
{
	forget(o, 1);
}

/* ---- what the dead left */

struct sweep {
	struct mount *m;
	int dir, asker;
	char rule[OFD_RULE + 1];
};

int ofd_end(struct mount *m, struct ofd *o, enum ofd_end *how)
{
	const struct object_ops *ops = m->be->object;

	if (mount_start(m) < 0)
		return 0;
	if (!ofd_claim(o)) {
		if (o->ended)   /* who ended it may have been killed before the record was gone */
			remove_files(o->id, 0);
		return 0;
	}
	*how = o->closer ? OFD_CLOSED : OFD_LOST;
	object_map_lost(m, o);
	if (ops->finish)
		ops->finish(m, o, NULL, *how);
	forget(o, 0);
	ofd_end_unlock(o, 1);
	return 1;
}

enum record { NONE, OTHERS, OURS, UNFINISHED };

/* A look that costs less than asking: another rule may have the same digits. */
static enum record look(const struct sweep *w, const char *file)
{
	struct ofd o;
	int fd = REAL(openat)(w->dir, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : REAL(pread)(fd, &o, sizeof(o), 0);

	if (fd >= 0)
		REAL(close)(fd);
	if (n < 0)
		return NONE;
	return n < (ssize_t)sizeof(o) || !ofd_described(&o) ? UNFINISHED : ofd_is_of(&o, w->m) ? OURS : OTHERS;
}

static void sweep_ours(struct sweep *w, struct ofd *o)
{
	enum ofd_state state = ask(w->asker, o->id);
	enum ofd_end how;

	if (state == OFD_DEAD)
		ofd_end(w->m, o, &how);
	else if (state == OFD_ALIVE && o->closer == getpid())
		o->closer = 0;
}

static void sweep_record(struct sweep *w, const char *id, const char *file)
{
	enum record what = look(w, file);
	struct ofd *o = what == OURS ? ofd_record(w->dir, file) : NULL;

	/* while its maker lives, so does the socket */
	if (what == UNFINISHED && ask(w->asker, id) == OFD_DEAD)
		remove_files(id, 0);
	if (!o)
		return;
	sweep_ours(w, o);
	ofd_unmap(o);
}

static int has_no_record(const struct sweep *w, const char *id)
{
	char name[OFD_ID + 8];

	return REAL(faccessat)(w->dir, ofd_entry(name, id, ".ofd"), F_OK, 0) < 0 && errno == ENOENT;
}

/* A socket that died without a record: before there was one, or after. */
static void sweep_socket(struct sweep *w, const char *id)
{
	if (has_no_record(w, id) && ask(w->asker, id) == OFD_DEAD && has_no_record(w, id))
		remove_files(id, 0);
}

static int sweep_one(const char *name, void *arg)
{
	struct sweep *w = arg;
	char id[OFD_ID];

	if (strspn(name, "0123456789abcdef") != OFD_ID - 1 || strncmp(name, w->rule, OFD_RULE))
		return 0;
	memcpy(id, name, OFD_ID - 1);
	id[OFD_ID - 1] = 0;
	if (!strcmp(name + OFD_ID - 1, ".ofd"))
		sweep_record(w, id, name);
	else
		sweep_socket(w, id);
	return 0;
}

void ofd_sweep(struct mount *m)
{
	struct sweep w = { .m = m, .dir = ofd_directory(0) };

	if (w.dir < 0)
		return;
	ofd_rule(w.rule, m);
	w.asker = asker();
	if (w.asker >= 0) {
		tree_each(w.dir, sweep_one, &w);
		REAL(close)(w.asker);
	}
	REAL(close)(w.dir);
}
