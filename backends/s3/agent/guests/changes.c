/* SPDX-License-Identifier: MIT */
/* The calls that write; see guest.h, and write.h for who does it. */
#include <errno.h>
#include <string.h>

#include "guest.h"

static void opened(void *arg, struct stage *st, int err)
{
	struct call *c = arg;

	if (!err)
		err = call_handle(c, NULL, st);
	if (!err) {
		stage_attr(st, &c->slot->attr);
		strcpy(c->slot->spool, stage_spool(st));
	}
	call_answer(c, err);
}

void ask_open_stage(struct call *c)
{
	struct s3_slot *s = c->slot;

	s->spool[0] = 0;
	write_open(c->bucket, s->name, s->text, (int)s->flags, s->mode, opened, c);
}

void ask_attach_stage(struct call *c)
{
	struct stage *st = NULL;
	int err = write_attach(c->slot->spool, c->slot->text, &st);

	opened(c, st, err);
}

void ask_wrote(struct call *c)
{
	write_wrote(c->handle->stage, c->slot->off, c->slot->len, call_done, c);
}

static void last(void *arg, int err)
{
	if (!err)
		call_ends_handle(arg);
	call_answer(arg, err);
}

void ask_publish(struct call *c)
{
	write_publish(c->handle->stage, c->slot->text, c->slot->flags, c->slot->flags & S3_LAST ? last : call_done, c);
}

void ask_abandon(struct call *c)
{
	write_abandon(c->handle->stage, c->slot->text);
	last(c, 0);
}

void ask_remove(struct call *c)
{
	write_remove(c->bucket, c->slot->name, c->slot->flags, call_done, c);
}

void ask_rename(struct call *c)
{
	write_rename(c->bucket, c->slot->name, c->slot->text, c->slot->flags, call_done, c);
}

void ask_mkdir(struct call *c)
{
	write_mkdir(c->bucket, c->slot->name, c->slot->mode, call_done, c);
}

void ask_symlink(struct call *c)
{
	write_symlink(c->bucket, c->slot->name, c->slot->text, call_done, c);
}

void ask_setattr(struct call *c)
{
	write_setattr(c->bucket, c->slot->name, &c->slot->attr, c->slot->flags, call_done, c);
}

/* key, NUL, value: all of it in the slot. */
void ask_setxattr(struct call *c)
{
	struct s3_slot *s = c->slot;
	size_t key = strlen(s->text) + 1;
	struct handle *h = s->handle ? handles_find(*guest_handles(c->guest), s->handle) : NULL;

	if (s->handle && !h)
		call_answer(c, S3_NO_HANDLE);
	else if (s->len > (int64_t)(sizeof(s->text) - key))
		call_answer(c, -E2BIG);
	else
		write_setxattr(c->bucket, s->name, h ? h->stage : NULL, s->text, s->text + key,
			       (ssize_t)s->len, (int)s->flags, call_done, c);
}
