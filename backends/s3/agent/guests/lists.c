/* SPDX-License-Identifier: MIT */
/* The calls that list: directories, and extended attributes; and links; see guest.h. */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "guest.h"
#include "names/names.h"
#include "read/cache.h"

/* ---- directories */

#define PAGE (256u << 10)               /* of entries: what a guest copies at once */

struct page {
	struct call *call;
	const struct names_list *in_bucket;
	struct chunk *chunk;            /* being filled */
	uint32_t used;
	int64_t skip, n;                /* entries that were told before, that there were */
	int full;
};

static int page_close(struct page *p)
{
	struct s3_slot *s = p->call->slot;
	struct chunk *k = p->chunk;

	if (!k)
		return 1;
	s->piece[s->pieces++] = (struct s3_piece){ k->index, cache_generation(k), k->at, 0, p->used };
	cache_release(k);
	p->chunk = NULL;
	p->used = 0;
	return s->pieces < S3_PIECES;
}

static void page_add(struct page *p, const char *name, unsigned char type, uint64_t ino)
{
	size_t size = (offsetof(struct s3_entry, name) + strlen(name) + 1 + 7) & ~(size_t)7;
	struct s3_entry *e;

	if (p->full || p->n++ < p->skip)
		return;
	if (p->chunk && p->used + size > PAGE && !page_close(p))
		p->full = 1;
	if (!p->full && !p->chunk && !(p->chunk = cache_get(PAGE)))
		p->full = 1;
	if (p->full) {
		p->n--;
		return;
	}
	e = cache_room(p->chunk, p->used, size);
	*e = (struct s3_entry){ .ino = ino, .size = (uint16_t)size, .type = type };
	strcpy(e->name, name);
	p->used += (uint32_t)size;
}

/* Unless somebody else has made one of that name meanwhile. */
static void add_pending(void *arg, const char *name, uint64_t ino)
{
	const struct page *p = arg;

	for (unsigned i = 0; i < p->in_bucket->n; i++)
		if (!strcmp(p->in_bucket->entry[i].name, name))
			return;
	page_add(arg, name, DT_REG, ino);
}

static void listed(void *arg, const struct names_list *l, int err)
{
	struct page p = { .call = arg, .in_bucket = l };
	struct s3_slot *s = p.call->slot;

	if (err) {
		call_answer(p.call, err);
		return;
	}
	p.skip = s->off;
	for (unsigned i = 0; i < l->n; i++)
		page_add(&p, l->entry[i].name, l->entry[i].type, l->entry[i].ino);
	write_pending_each(p.call->bucket, s->name, add_pending, &p);
	page_close(&p);
	s->off = p.full ? p.n : 0;
	call_answer(p.call, p.full && p.n == p.skip ? -ENOMEM : 0);
}

void ask_list(struct call *c)
{
	names_list(c->bucket, c->slot->name, listed, c);
}

/* ---- links and extended attributes */

static void got_link(void *arg, const char *target, int err)
{
	struct call *c = arg;

	if (!err && snprintf(c->slot->text, sizeof(c->slot->text), "%s", target) >= (int)sizeof(c->slot->text))
		err = -ENAMETOOLONG;
	call_answer(c, err);
}

void ask_readlink(struct call *c)
{
	names_readlink(c->bucket, c->slot->name, got_link, c);
}

static void got_xattr(void *arg, const struct names_xattrs *x, int err)
{
	struct call *c = arg;

	for (unsigned i = 0; !err && i < x->n; i++)
		if (!strcmp(c->slot->text, x->x[i].key)) {
			call_answer_bytes(c, x->x[i].value, strlen(x->x[i].value));
			return;
		}
	call_answer(c, err ? err : -ENODATA);
}

static void got_xattrs(void *arg, const struct names_xattrs *x, int err)
{
	char list[65536], *end = list;         /* XATTR_LIST_MAX */

	for (unsigned i = 0; !err && i < x->n; i++) {
		if (strlen(x->x[i].key) >= (size_t)(list + sizeof(list) - end))
			err = -E2BIG;
		else
			end = stpcpy(end, x->x[i].key) + 1;
	}
	if (err || end == list)
		call_answer(arg, err);
	else
		call_answer_bytes(arg, list, (size_t)(end - list));
}

/* Of the version that is open, or of what has the name now. */
static void xattrs(struct call *c, names_got_xattrs *got)
{
	struct handle *h = handles_find(*guest_handles(c->guest), c->slot->handle);
	struct object *o = !h ? NULL : h->stage ? stage_base(h->stage) : h->object;

	if (c->slot->handle && !h)
		call_answer(c, S3_NO_HANDLE);
	else
		names_xattrs(c->bucket, c->slot->name, o ? object_attr(o) : NULL, got, c);
}

void ask_getxattr(struct call *c)
{
	if (strncmp(c->slot->text, NAMES_XATTR, sizeof(NAMES_XATTR) - 1))
		call_answer(c, -ENODATA);
	else
		xattrs(c, got_xattr);
}

void ask_listxattr(struct call *c)
{
	xattrs(c, got_xattrs);
}
