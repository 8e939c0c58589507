/* SPDX-License-Identifier: MIT */
/* What others learn of names: where it is not what was kept, the listings above don't fit any more. */
#include "loop/loop.h"
#include "names_private.h"

#include <string.h>
#include <sys/stat.h>

/* In the listing of `dir` the entry is not to be used any more, nor that there is none. */
static void doubt(struct s3_bucket *b, const char *dir, const char *component)
{
	struct listing *l = known_listed(b, dir);
	struct names_entry *e = l ? (struct names_entry *)listing_find(l, component) : NULL;

	listing_flight_old(b, dir);
	if (l)
		l->partial = 1;
	if (e)
		e->old = 1;
}

void names_doubt_above(struct s3_bucket *b, const char *name)
{
	char dir[S3_NAME_MAX];
	char *slash;

	strcpy(dir, name);
	while ((slash = strrchr(dir, '/'))) {
		struct known *k;

		*slash = '\0';
		doubt(b, dir, slash + 1);
		k = known_find(b, dir);
		if (k && *dir)
			k->dir_until = 0;
	}
}

void names_above(struct s3_bucket *b, const char *name)
{
	char dir[S3_NAME_MAX], prefix[S3_NAME_MAX];
	struct s3_attr attr;
	char *slash;

	if (names_meta_object(b))       /* a directory's attributes are its marker's */
		return;
	strcpy(dir, name);
	while ((slash = strrchr(dir, '/'))) {
		struct known *k;

		*slash = '\0';
		k = known_get(b, dir);
		if (!k || (k->dir && k->dir_until > loop_now()) || names_prefix(b, dir, prefix) < 0)
			return;
		attr_dir(b, prefix, &attr);
		known_dir(k, &attr);
	}
}

/* Whether a GET found what the listing has. */
static int as_listed(struct s3_bucket *b, const char *name, const struct s3_attr *attr)
{
	char dir[S3_NAME_MAX];
	const char *component = names_parent(name, dir);
	struct listing *l = known_listed(b, dir);
	const struct names_entry *e = l ? listing_find(l, component) : NULL;

	return e && !e->old && attr && !strcmp(e->etag, attr->etag);
}

static int as_known(const struct known *k, const struct s3_attr *attr)
{
	return k && k->file && attr && k->file->ino == attr->ino;
}

void names_learn(struct s3_bucket *b, const char *name, const struct s3_attr *attr)
{
	struct known *k;
	int same;

	if (!*name)
		return;
	same = as_known(known_find(b, name), attr) || as_listed(b, name, attr);
	if (!same) {
		stat_flight_old(b, name);
		names_doubt_above(b, name);
	}
	k = known_get(b, name);
	if (k && !same)
		k->xattrs_until = 0;
	if (k && attr && S_ISDIR(attr->mode))
		known_dir(k, attr);
	else if (k)
		known_file(k, attr);
	if (attr)
		names_above(b, name);
}

void names_forget(struct s3_bucket *b, const char *name)
{
	struct known *k = known_find(b, name);

	stat_flight_old(b, name);
	listing_flight_old(b, name);
	if (k)
		known_drop(k);
	known_below(b, name);
	if (*name)
		names_doubt_above(b, name);
}
