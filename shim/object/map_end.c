/* SPDX-License-Identifier: MIT */
/* The end of mappings: of one, of a file, of the process; see map_end.h and object_map.h. */
#include "map_end.h"

#include <errno.h>
#include <string.h>

#include "files/fdtab.h"
#include "files/mount.h"
#include "object_end.h"
#include "object_map.h"
#include "ofd.h"
#include "stats/stats.h"

static int same_image(const struct file *a, const struct file *b)
{
	return a->ofd->dev == b->ofd->dev && a->ofd->ino == b->ofd->ino &&
	       !strcmp(a->ofd->be, b->ofd->be) && !strcmp(a->ofd->target, b->ofd->target);
}

/* The ranges of the file that this process still maps, or is about to. */
static int used_of(const struct file *f, struct ranges *used)
{
	int r = 0;

	used->n = 0;
	list_lock();
	for (struct piece *p = list_pieces; p; p = p->next)
		if (r == 0 && same_image(p->h->f, f))
			r = ranges_add(used, p->off, p->off + (off_t)p->len);
	list_unlock();
	return r;
}

int map_write_back(struct file *f, off_t from, off_t to, int writes, int trim)
{
	struct ranges used;
	struct image im;
	int r = image_enter(&im, image_of_file(f), 0);

	if (r < 0 || !im.head)
		return r;
	if (writes)
		r = image_sync(&im, f, from, to);
	if (trim && r == 0 && used_of(f, &used) == 0)
		image_trim(&im, &used);
	image_leave(&im);
	if (r < 0)
		stats_note("mmap: what was stored could not be written: %s", strerrorname_np(-r));
	return r;
}

void map_let_go(struct holder *h)
{
	struct file *f = h->f;

	if (!list_put_holder(h))
		return;
	object_close_hidden(f, &h->fd);
	list_free_holder(h);
}

void map_finish(struct piece *taken)
{
	while (taken) {
		struct piece *p = taken;

		taken = p->next;
		map_write_back(p->h->f, p->off, p->off + (off_t)p->len, p->writes, 1);
		map_let_go(p->h);
		list_free_piece(p);
	}
}

/* ---- files and processes */

/* A file of this process through which the image of f may be written back; the holder is the caller's. */
static struct holder *writer_of(const struct file *f)
{
	struct holder *h;

	list_lock();
	for (h = list_holders; h; h = h->next)
		if (same_image(h->f, f) && (h->f->ofd->flags & O_ACCMODE) == O_RDWR)
			break;
	if (h)
		h->pieces++;
	list_unlock();
	return h;
}

int map_sync_file(struct file *f)
{
	struct holder *h;
	int r = 0;

	if ((f->ofd->flags & O_ACCMODE) == O_RDWR)
		return map_write_back(f, 0, INT64_MAX, 1, 0);
	h = writer_of(f);
	if (h) {
		r = map_write_back(h->f, 0, INT64_MAX, 1, 0);
		map_let_go(h);
	}
	return r;
}

int object_map_sync_all(void)
{
	int r = 0;

	if (atomic_load_explicit(&map_high, memory_order_relaxed))
		EACH_PIECE(0, UINTPTR_MAX - MAP_PAGE, at,
			   if (at.writes && map_write_back(at.h->f, at.off, at.off + (off_t)at.len, 1, 0) < 0) r = -EIO);
	return r;
}

void object_map_exit(void)
{
	struct piece *taken;

	if (!atomic_load_explicit(&map_high, memory_order_relaxed))
		return;
	list_lock();
	taken = list_take(0, UINTPTR_MAX);
	list_unlock();
	map_finish(taken);
}

struct question {
	const struct ofd *mine;
};

static int also_mapped(struct ofd *o, void *arg)
{
	const struct ofd *mine = ((struct question *)arg)->mine;

	return o->mapped && strcmp(o->id, mine->id) && o->dev == mine->dev && o->ino == mine->ino &&
	       !strcmp(o->be, mine->be) && !strcmp(o->target, mine->target) && ofd_state(o) != OFD_DEAD;
}

void object_map_ended(struct file *f)
{
	struct question q = { f->ofd };
	struct image im;

	if (!f->ofd->mapped || image_enter(&im, image_of_file(f), 0) < 0 || !im.head)
		return;
	if ((f->ofd->flags & O_ACCMODE) == O_RDWR)
		image_sync(&im, f, 0, INT64_MAX);
	if (!ofd_each(also_mapped, &q))
		image_remove(&im);
	image_leave(&im);
}

void object_map_lost(struct mount *m, struct ofd *o)
{
	const struct object_ops *ops = m->be->object;
	struct file *f = o->mapped ? fdtab_new() : NULL;

	if (!f)
		return;
	f->mount = m;
	f->ofd = o;
	if (!ops->attach || ops->attach(f) == 0) {
		object_map_ended(f);
		if (ops->detach)
			ops->detach(f);
	}
	f->ofd = NULL;
	f->mount = &mount_none;
	fdtab_put(f);
}

void object_map_mark(pid_t pid)
{
	list_lock();
	for (struct holder *h = list_holders; h; h = h->next)
		h->f->ofd->closer = pid;
	list_unlock();
}

/* What a child maps, too, is never cut. */
static void share(struct holder *h)
{
	struct image im;

	if (h->shared)
		return;
	if (image_enter(&im, image_of_file(h->f), 0) == 0 && im.head) {
		image_share(&im);
		image_leave(&im);
	}
	h->shared = 1;
}

/* Locked: whether that was done with everything a child would have now. */
static int all_shared(void)
{
	for (struct piece *p = list_pieces; p; p = p->next)
		if (p->from && !p->h->shared)
			return 0;
	return 1;
}

/* Who has an image's lock may wait for the list's, so not the other way round. */
void object_map_fork_lock(void)
{
	list_lock();
	while (!all_shared()) {
		list_unlock();
		EACH_PIECE(0, UINTPTR_MAX - MAP_PAGE, at, share(at.h));
		list_lock();
	}
}

void object_map_fork_unlock(void)
{
	list_unlock();
}
