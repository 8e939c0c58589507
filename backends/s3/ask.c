/* SPDX-License-Identifier: MIT */
/* One call of the agent; see ask.h. */
#include "ask.h"

#include <errno.h>
#include <string.h>

#include "stats.h"

#define TRIES 4

/* A link and a slot with nothing in it: 0 or -errno. */
static int begin(struct ask *a, enum s3_ask what)
{
	int err;

	a->link = link_get(&err);
	if (!a->link)
		return err;
	a->slot = link_slot(a->link);
	if (!a->slot)
		return LINK_LOST;
	a->slot->ask = (uint32_t)what;
	a->slot->flags = a->slot->mount = a->slot->mode = 0;
	a->slot->handle = 0;
	a->slot->off = a->slot->len = 0;
	a->slot->name[0] = a->slot->text[0] = a->slot->spool[0] = 0;
	return 0;
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

/* The agent's number of the rule. */
static int64_t mount_number(struct ask *a, struct mount *m)
{
	int64_t r = begin(a, S3_MOUNT);

	if (r < 0)
		return r;
	if (a->link->mount[m->id])
		return a->link->mount[m->id];
	r = put_text(a->slot->text, m->rule->target, strlen(m->rule->target));
	if (r == 0)
		r = link_ask(a->link, a->slot);
	if (r > 0)
		a->link->mount[m->id] = (uint32_t)r;
	else if (r != LINK_LOST)
		stats_note("s3: %.60s: %.90s", m->prefix, a->slot->text);
	return r;
}

static int fill(struct ask *a)
{
	struct s3_slot *s = a->slot;
	int r = 0;

	s->ask = (uint32_t)a->ask;
	s->flags = a->flags;
	s->mode = a->mode;
	s->off = a->off;
	s->len = a->len;
	s->handle = a->handle ? *a->handle : 0;
	s->text[0] = 0;
	if (a->attr)
		s->attr = *a->attr;
	if (a->name)
		r = put_text(s->name, a->name, strlen(a->name));
	if (r == 0 && a->text)
		r = put_text(s->text, a->text, a->text_len ? a->text_len : strlen(a->text));
	return r;
}

static int64_t try(struct ask *a)
{
	int64_t r = mount_number(a, a->m);

	if (r <= 0)
		return r;
	a->slot->mount = (uint32_t)r;
	r = fill(a);
	return r < 0 ? r : link_ask(a->link, a->slot);
}

/* Tells the agent what the description is: 0 or -errno. */
static int64_t attach(const struct ask *a)
{
	const struct described *d = described(a->ofd);
	uint64_t none = *a->handle;
	struct ask b = { .m = a->m };
	int64_t r = mount_number(&b, b.m);

	if (r > 0) {
		b.slot->mount = (uint32_t)r;
		b.ask = S3_ATTACH;
		b.name = a->ofd->name;
		b.text = a->ofd->id;
		b.attr = &d->attr;
		r = fill(&b);
		strcpy(b.slot->spool, d->spool);
		if (r == 0)
			r = link_ask(b.link, b.slot);
		if (r >= 0 && !atomic_compare_exchange_strong(a->handle, &none, b.slot->handle)) {
			_Atomic uint64_t spare = b.slot->handle;

			ask_drop(&spare);
		}
	}
	ask_end(&b);
	return r;
}

int64_t ask_do(struct ask *a)
{
	int64_t r = LINK_LOST;

	for (int i = 0; i < TRIES; i++) {
		r = a->handle && a->ofd && !*a->handle ? attach(a) : 0;
		if (r == 0)
			r = try(a);
		if (r == S3_NO_HANDLE && a->ofd)
			*a->handle = 0;
		else if (r != LINK_LOST)
			break;
		else if (a->once)
			break;
		ask_end(a);
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

	if (h && link_has() && begin(&a, S3_DROP) == 0) {
		a.slot->handle = h;
		link_tell(a.link, a.slot);
		a.slot = NULL;
	}
	ask_end(&a);
}
