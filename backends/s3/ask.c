/* SPDX-License-Identifier: MIT */
/* One call of the agent; see ask.h. */
#include "ask.h"

#include <errno.h>
#include <string.h>

#include "stats/stats.h"

#define TRIES 4

/* A link and a slot: 0 or -errno. */
static int begin(struct ask *a)
{
	int err;

	a->link = link_get(&err);
	if (!a->link)
		return err;
	a->slot = link_slot(a->link);
	return a->slot ? 0 : LINK_LOST;
}

/* Empties the slot for another question. */
static struct s3_slot *blank(struct ask *a, enum s3_ask what)
{
	struct s3_slot *s = a->slot;

	s->ask = (uint32_t)what;
	s->mount = a->m ? a->link->mount[a->m->id] : 0;
	s->flags = s->mode = 0;
	s->handle = 0;
	s->off = s->len = 0;
	s->name[0] = s->text[0] = s->spool[0] = 0;
	return s;
}

void ask_end(struct ask *a)
{
	if (a->slot)
		link_free(a->link, a->slot);
	if (a->link)
		link_put(a->link);
	a->slot = NULL;
	a->link = NULL;
}

static int put_text(char *to, const char *text, size_t n)
{
	if (n >= S3_NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(to, text, n + 1);
	return 0;
}

/* Asks for the agent's number of the rule, if that is not known: 0 or -errno. */
static int64_t find_mount(struct ask *a)
{
	struct mount *m = a->m;
	struct s3_slot *s;
	int64_t r;

	if (a->link->mount[m->id])
		return 0;
	s = blank(a, S3_MOUNT);
	r = put_text(s->text, m->rule->target, strlen(m->rule->target));
	if (r == 0)
		r = link_ask(a->link, s);
	if (r > 0)
		a->link->mount[m->id] = (uint32_t)r;
	else if (r != LINK_LOST)
		stats_note("s3: %.60s: %.90s", m->prefix, s->text);
	return r > 0 ? 0 : r;
}

/*
 * Tells the agent what the description is: *h, or -errno. A link that is one
 * call's has handles of its own.
 */
static int64_t attach(struct ask *a, uint64_t *h)
{
	const struct described *d = described(a->ofd);
	struct s3_slot *s = blank(a, S3_ATTACH);
	uint64_t none = *a->handle;
	int64_t r;

	s->attr = d->attr;
	strcpy(s->spool, d->spool);
	r = put_text(s->name, a->ofd->name, strlen(a->ofd->name));
	if (r == 0)
		r = put_text(s->text, a->ofd->id, strlen(a->ofd->id));
	if (r == 0)
		r = link_ask(a->link, s);
	if (r < 0)
		return r;
	*h = s->handle;
	if (!a->link->temporary && !atomic_compare_exchange_strong(a->handle, &none, *h)) {
		_Atomic uint64_t spare = *h;

		*h = none;
		ask_drop(&spare);
	}
	return 0;
}

static int64_t put(struct ask *a, uint64_t h)
{
	struct s3_slot *s = blank(a, a->ask);
	int64_t r = 0;

	s->flags = a->flags;
	s->mode = a->mode;
	s->off = a->off;
	s->len = a->len;
	s->handle = h;
	if (a->attr)
		s->attr = *a->attr;
	if (a->name)
		r = put_text(s->name, a->name, strlen(a->name));
	if (r == 0 && a->text)
		r = put_text(s->text, a->text, a->text_len ? a->text_len : strlen(a->text));
	if (r == 0)
		r = link_ask(a->link, s);
	a->seen = r == LINK_LOST && link_saw(a->link, s);
	return r;
}

static int64_t try(struct ask *a)
{
	uint64_t h = a->handle ? *a->handle : 0;
	int64_t r = begin(a);

	a->seen = 0;
	if (r == 0)
		r = find_mount(a);
	if (r == 0 && a->ofd && a->handle && (!h || a->link->temporary))
		r = attach(a, &h);
	if (r == 0)
		r = put(a, h);
	if (r == S3_NO_HANDLE && a->ofd && attach(a, &h) == 0)
		r = put(a, h);
	return r;
}

int64_t ask_do(struct ask *a)
{
	int64_t r = try(a);

	for (int i = 1; i < TRIES && r == LINK_LOST && !(a->once && a->seen); i++) {
		ask_end(a);
		r = try(a);
	}
	return r == LINK_LOST || r == S3_NO_HANDLE ? -EIO : r;
}

int64_t ask_once(struct ask *a)
{
	int64_t r = ask_do(a);

	ask_end(a);
	return r;
}

void ask_drop(_Atomic uint64_t *handle)
{
	uint64_t h = atomic_exchange(handle, 0);
	struct ask a = { .m = NULL };

	if (h && link_has() && begin(&a) == 0) {
		blank(&a, S3_DROP)->handle = h;
		link_tell(a.link, a.slot);
		a.slot = NULL;
	}
	ask_end(&a);
}
