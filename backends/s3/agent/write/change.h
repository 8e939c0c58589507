/* SPDX-License-Identifier: MIT */
/*
 * Changes of names and attributes: what change.c (removed), change_make.c,
 * change_attr.c and rename.c share. A change goes from step to step by
 * callbacks and ends once.
 */
#ifndef S3_AGENT_CHANGE_H
#define S3_AGENT_CHANGE_H

#include "request/meta.h"
#include "names/names.h"
#include "names/names_page.h"
#include "stage.h"

struct change {
	struct s3_bucket *b;
	char name[S3_NAME_MAX], key[S3_NAME_MAX];       /* key: of a directory it ends in / */
	char to[S3_NAME_MAX], to_key[S3_NAME_MAX];
	char parent[S3_NAME_MAX], marker[S3_NAME_MAX];
	char text[S3_NAME_MAX];
	unsigned flags, set;
	mode_t mode;
	struct s3_attr attr, to_attr;
	int there;                      /* `to` is */
	unsigned tries;                 /* at a source that others replaced meanwhile */
	struct meta meta;
	struct s3_request r;
	const char *inside;             /* the directory that is to be empty */
	void (*next)(struct change *c);
	write_done *done;
	void *arg;
	void *more;                     /* the step's own */
};

/* A new one; NULL: it has ended (EROFS, or an error of the name). */
struct change *change_new(struct s3_bucket *b, const char *name, write_done *done, void *arg);
void change_end(struct change *c, int err);

/* Fills c->r for this method and key. */
void change_request(struct change *c, const char *method, const char *key,
		    void (*done)(struct s3_request *r, int err));

/* The key of a directory's marker: 0 or -errno; the mount's own is -EBUSY. */
int change_marker(const struct s3_bucket *b, const char *name, char key[S3_NAME_MAX]);

/* Goes on if the directory of `name` is there; else ENOENT, ENOTDIR. */
void change_in_parent(struct change *c, const char *name, void (*next)(struct change *c));

/*
 * Goes on once the directory of `name` has a marker, so that it stays when its
 * last file goes.
 */
void change_keep_parent(struct change *c, const char *name, void (*next)(struct change *c));

/* The directory of this key has a marker, as we know now; that is not known any more. */
void change_mark(const struct s3_bucket *b, const char *key);
void change_unmark(const struct s3_bucket *b, const char *key);

/*
 * Goes on if nothing is below the key of a directory but its marker, if that is empty, neither staged
 * nor in the bucket; else ENOTEMPTY. The key stays with c.
 */
void change_if_empty(struct change *c, const char *key, void (*next)(struct change *c));

/* Writes c->text (n bytes) with c->meta to the key, and calls done. */
void change_put(struct change *c, const char *key, size_t n, void (*done)(struct s3_request *r, int err));

/* 1: no file of the key, or below it if it ends in a slash, is being published now; 0: next(c) when one that is has ended. */
int change_is_quiet(struct change *c, const char *key, void (*next)(struct change *c));

/* A staged file of this name loses it: it is not published any more. */
void change_unstage(struct s3_bucket *b, const char *key);

#endif
