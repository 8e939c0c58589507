/* SPDX-License-Identifier: MIT */
/* Directories and symbolic links made; see change.h. */
#include "change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "object_ops.h"

static void directory_made(struct s3_request *r, int err)
{
	struct change *c = r->arg;

	if (!err) {
		struct s3_attr attr = { .mode = S_IFDIR | (c->mode & 07777), .uid = geteuid(),
			.gid = getegid(), .ino = names_ino(c->b, c->key, "") };

		if (names_meta_object(c->b))
			attr.mtime_sec = s3_answered(r);
		change_mark(c->b, c->key);
		names_made(c->b, c->name, &attr);
	}
	change_end(c, err);
}

static void make_directory(struct change *c)
{
	struct s3_attr attr = { .mode = S_IFDIR | (c->mode & 07777) };
	int err = change_marker(c->b, c->name, c->key);

	if (err < 0) {
		change_end(c, err);
		return;
	}
	meta_set(&c->meta, "content-type", "application/x-directory");
	if ((c->mode & 07777) != 0755)
		meta_attr(&c->meta, &attr, OBJECT_MODE);
	change_put(c, c->key, 0, directory_made);
}

static void link_made(struct s3_request *r, int err)
{
	struct change *c = r->arg;

	if (!err)
		names_forget(c->b, c->name);
	change_end(c, err);
}

static void make_link(struct change *c)
{
	struct s3_attr attr = { .mode = S_IFLNK | 0777 };
	int err = names_key(c->b, c->name, c->key);

	if (err < 0) {
		change_end(c, err);
		return;
	}
	meta_set(&c->meta, "content-type", "application/octet-stream");
	meta_attr(&c->meta, &attr, OBJECT_MODE);
	change_put(c, c->key, strlen(c->text), link_made);
}

static void make_what(void *arg, const struct s3_attr *attr, int err)
{
	struct change *c = arg;

	(void)attr;
	if (err == -ENOENT && !write_pending(c->b, c->name, NULL))
		change_in_parent(c, c->name, S_ISDIR(c->mode) ? make_directory : make_link);
	else
		change_end(c, err == -ENOENT || !err ? -EEXIST : err);
}

void write_mkdir(struct s3_bucket *b, const char *name, mode_t mode, write_done *done, void *arg)
{
	struct change *c = change_new(b, name, done, arg);

	if (!c)
		return;
	c->mode = S_IFDIR | (mode & 07777);
	names_stat(b, name, make_what, c);
}

void write_symlink(struct s3_bucket *b, const char *name, const char *text, write_done *done, void *arg)
{
	struct change *c = change_new(b, name, done, arg);

	if (!c)
		return;
	if (!names_meta_object(b)) {
		change_end(c, -EPERM);  /* nobody would see that it is one */
		return;
	}
	c->mode = S_IFLNK;
	snprintf(c->text, sizeof(c->text), "%s", text);
	names_stat(b, name, make_what, c);
}
