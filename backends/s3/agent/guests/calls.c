/* SPDX-License-Identifier: MIT */
/* What guests ask for, and the calls about names and reading; see guest.h. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "read/cache.h"
#include "guest.h"
#include "loop/log.h"
#include "names/names.h"

#define FIRST_READ 4096                 /* told with an open */

/* ---- mounts: the same number for every guest */

static struct s3_bucket **mounts;
static uint32_t nmounts;

static void ask_mount(struct call *c)
{
	struct s3_bucket *b, **more;
	char why[S3_WHY] = "";
	uint32_t i = 0;
	int err = s3_bucket_get(c->slot->text, &b, why);

	if (err) {
		log_say(LOG_ERROR, "%s: %s", c->slot->text, why);
		snprintf(c->slot->text, sizeof(c->slot->text), "%s", why);
		call_answer(c, err);
		return;
	}
	while (i < nmounts && mounts[i] != b)
		i++;
	if (i == nmounts) {
		more = realloc(mounts, (nmounts + 1) * sizeof(*more));
		if (!more)
			abort();
		mounts = more;
		mounts[nmounts++] = b;
	}
	call_answer(c, i + 1);
}

/* ---- attributes */

/* The path ends earlier in text, where it is looked at now. */
static void got_above(void *arg, const struct s3_attr *attr, int err);

/* Nothing of that name: ENOTDIR if a file is above it, as a kernel has it. */
static void answer_absent(struct call *c)
{
	char *text = c->slot->text, *slash = strrchr(text, '/');

	if (slash)
		*slash = '\0';
	if (slash > text)
		names_stat(c->bucket, text, got_above, c);
	else
		call_answer(c, -ENOENT);
}

static void got_above(void *arg, const struct s3_attr *attr, int err)
{
	if (err == -ENOENT)
		answer_absent(arg);
	else
		call_answer(arg, !err && S_ISREG(attr->mode) ? -ENOTDIR : -ENOENT);
}

static void absent(struct call *c)
{
	memcpy(c->slot->text, c->slot->name, sizeof(c->slot->text));
	c->slot->text[sizeof(c->slot->text) - 1] = '\0';
	answer_absent(c);
}

static void ask_got_attr(void *arg, const struct s3_attr *attr, int err)
{
	struct call *c = arg;

	if (err == -ENOENT) {
		absent(c);
		return;
	}
	if (!err) {
		c->slot->attr = *attr;
		write_ino(c->bucket, c->slot->name, &c->slot->attr);
	}
	call_answer(c, err);
}

static void ask_stat(struct call *c)
{
	if (write_new(c->bucket, c->slot->name, &c->slot->attr))
		call_answer(c, 0);
	else
		names_stat(c->bucket, c->slot->name, ask_got_attr, c);
}

/* ---- opening to read */

/* The first bytes are told with it, if they are there already: a small file is read without another call. */
static void first_read(struct object_read *r, int err)
{
	struct call *c = (struct call *)((char *)r - offsetof(struct call, read));

	c->reading = 0;
	if (!err) {
		c->slot->pieces = r->pieces;
		memcpy(c->slot->piece, r->piece, r->pieces * sizeof(*r->piece));
	}
	call_answer(c, 0);
}

static void answer_object(struct call *c, struct object *o, int first)
{
	int err = o ? call_handle(c, o, NULL) : -ENOMEM;

	c->slot->spool[0] = 0;
	c->slot->eof = c->slot->attr.size;
	if (err || !first || !c->slot->attr.size) {
		call_answer(c, err);
		return;
	}
	c->handle = handles_find(*guest_handles(c->guest), c->slot->handle);
	c->handle->refs++;
	c->read = (struct object_read){ .o = o, .len = FIRST_READ, .reader = c->slot->handle, .done = first_read };
	c->reading = 1;
	object_read(&c->read);
}

/* What is there is no file to be read by a GET, or is known by its attributes. */
static void open_by_attr(void *arg, const struct s3_attr *attr, int err)
{
	struct call *c = arg;
	int flags = (int)c->slot->flags;
	char key[S3_NAME_MAX];

	if (err == -ENOENT && (flags & O_CREAT)) {
		ask_open_stage(c);
		return;
	}
	if (err == -ENOENT) {
		c->slot->handle = 0;
		absent(c);
		return;
	}
	if (!err && (flags & O_CREAT) && S_ISDIR(attr->mode))
		err = -EISDIR;
	if (!err && S_ISLNK(attr->mode))
		err = -ELOOP;
	if (!err && (flags & O_DIRECTORY) && !S_ISDIR(attr->mode))
		err = -ENOTDIR;
	if (!err)
		c->slot->attr = *attr;
	if (!err && S_ISREG(attr->mode))
		err = names_key(c->bucket, c->slot->name, key);
	if (err < 0 || S_ISDIR(attr->mode)) {
		c->slot->handle = 0;
		call_answer(c, err);
		return;
	}
	ahead_of(c->bucket, c->slot->name);
	answer_object(c, object_known(c->bucket, key, &c->slot->attr), 0);
}

/* What a GET does not tell is as a listing would have it. */
static void complete(struct s3_bucket *b, const char *key, struct s3_attr *attr)
{
	if (!(attr->mode & S_IFMT)) {
		attr->mode = S_IFREG | 0644;
		attr->uid = geteuid();
		attr->gid = getegid();
	}
	if (!attr->ino)
		attr->ino = names_ino(b, key, attr->etag);
}

static void opened(void *arg, struct object *o, int err)
{
	struct call *c = arg;
	struct s3_slot *s = c->slot;
	char key[S3_NAME_MAX];

	if (err == -ENOENT) {
		names_stat(c->bucket, s->name, open_by_attr, c);
		return;
	}
	if (err) {
		call_answer(c, err);
		return;
	}
	names_key(c->bucket, s->name, key);
	s->attr = *object_attr(o);
	complete(c->bucket, key, &s->attr);
	names_learn(c->bucket, s->name, &s->attr);
	ahead_of(c->bucket, s->name);
	answer_object(c, o, 1);
}

/* One GET for an open of what nothing is known of; attributes that are known, or that a GET does not tell, spare it. */
static void ask_open(struct call *c)
{
	struct s3_slot *s = c->slot;
	int flags = (int)s->flags, kept;
	char key[S3_NAME_MAX];
	struct s3_attr attr;

	if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) ||
	    (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) || write_new(c->bucket, s->name, NULL)) {
		ask_open_stage(c);
		return;
	}
	kept = names_kept(c->bucket, s->name, &attr);
	if (kept > 0 || kept == -ENOENT)
		open_by_attr(c, kept > 0 ? &attr : NULL, kept > 0 ? 0 : kept);
	else if (kept < 0)
		call_answer(c, kept);
	else if ((flags & O_DIRECTORY) || names_was_dir(c->bucket, s->name))
		names_stat_dir(c->bucket, s->name, open_by_attr, c);
	else if (names_meta_object(c->bucket) || names_in_turn(c->bucket, s->name) ||
		 names_key(c->bucket, s->name, key) < 0)
		names_stat(c->bucket, s->name, open_by_attr, c);
	else
		object_open(c->bucket, key, opened, c);
}

static void ask_attach(struct call *c)
{
	char key[S3_NAME_MAX];
	int r;

	if (c->slot->spool[0]) {
		ask_attach_stage(c);
		return;
	}
	r = names_key(c->bucket, c->slot->name, key);
	if (r < 0)
		call_answer(c, r);
	else
		answer_object(c, object_known(c->bucket, key, &c->slot->attr), 0);
}

static void ask_drop(struct call *c)
{
	handles_drop(guest_handles(c->guest), c->handle);
	call_answer(c, 0);
}

/* ---- reading */

static void ask_read(struct call *c);

/* What was to be read was replaced: by our own publication, and then what it made has the same bytes. */
static void read_again(void *arg, int err)
{
	struct call *c = arg;

	if (err)
		call_answer(c, err);
	else
		ask_read(c);
}

static void read_done(struct object_read *r, int err)
{
	struct call *c = (struct call *)((char *)r - offsetof(struct call, read));

	c->reading = 0;
	if (err == -ESTALE && c->handle->stage) {
		write_replaced(c->handle->stage, c->version, read_again, c);
		return;
	}
	if (err == -ESTALE && c->handle->name)
		names_stale(c->bucket, c->handle->name, object_attr(r->o));
	c->slot->pieces = r->pieces;
	memcpy(c->slot->piece, r->piece, r->pieces * sizeof(*r->piece));
	call_answer(c, err);
}

static void ask_read(struct call *c)
{
	struct object *o = c->handle->stage ? stage_base(c->handle->stage) : c->handle->object;

	if (c->base)
		object_put(c->base);
	c->base = c->handle->stage && o ? object_hold(o) : NULL;
	c->version = c->handle->stage ? stage_journal(c->handle->stage)->published : 0;
	c->slot->eof = o ? object_attr(o)->size : 0;
	if (!o || c->slot->off < 0 || c->slot->len <= 0 || c->slot->off >= c->slot->eof) {
		call_answer(c, 0);
		return;
	}
	c->read = (struct object_read){ .o = o, .off = c->slot->off, .len = c->slot->len,
					.reader = c->handle->id, .done = read_done };
	c->reading = 1;
	object_read(&c->read);
}

/* ---- the table */

enum { BUCKET = 1, HANDLE = 2, STAGE = 4 };

static const struct {
	void (*begin)(struct call *c);
	int needs;
} asks[] = {
	[S3_MOUNT] = { ask_mount, 0 },
	[S3_STAT] = { ask_stat, BUCKET },
	[S3_OPEN] = { ask_open, BUCKET },
	[S3_ATTACH] = { ask_attach, BUCKET },
	[S3_READ] = { ask_read, HANDLE },
	[S3_LIST] = { ask_list, BUCKET },
	[S3_READLINK] = { ask_readlink, BUCKET },
	[S3_GETXATTR] = { ask_getxattr, BUCKET },
	[S3_LISTXATTR] = { ask_listxattr, BUCKET },
	[S3_DROP] = { ask_drop, HANDLE },
	[S3_WROTE] = { ask_wrote, HANDLE | STAGE },
	[S3_PUBLISH] = { ask_publish, HANDLE | STAGE },
	[S3_ABANDON] = { ask_abandon, HANDLE | STAGE },
	[S3_REMOVE] = { ask_remove, BUCKET },
	[S3_RENAME] = { ask_rename, BUCKET },
	[S3_MKDIR] = { ask_mkdir, BUCKET },
	[S3_SYMLINK] = { ask_symlink, BUCKET },
	[S3_SETATTR] = { ask_setattr, BUCKET },
	[S3_SETXATTR] = { ask_setxattr, BUCKET },
};

/* What the call needs of what the slot names: 0, or what is wrong. */
static int64_t prepare(struct call *c, int needs)
{
	struct s3_slot *s = c->slot;

	if (needs & BUCKET) {
		if (!s->mount || s->mount > nmounts)
			return -EINVAL;
		c->bucket = mounts[s->mount - 1];
	}
	if (needs & HANDLE) {
		struct handle *h = handles_find(*guest_handles(c->guest), s->handle);

		if (!h)
			return S3_NO_HANDLE;
		if ((needs & STAGE) && !h->stage)
			return -EBADF;
		c->handle = h;
		c->bucket = h->bucket;
		h->refs++;
	}
	return 0;
}

void call_begin(struct call *c)
{
	uint32_t ask = c->slot->ask;
	int64_t r = ask < sizeof(asks) / sizeof(*asks) && asks[ask].begin ? prepare(c, asks[ask].needs) : -ENOSYS;

	if (r < 0)
		call_answer(c, r);
	else
		asks[ask].begin(c);
}
