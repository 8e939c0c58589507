/* SPDX-License-Identifier: MIT */
/*
 * The namespace made of keys: attributes and listings with a time to live,
 * directories that are common prefixes or markers, and an escape for what no
 * path can name.
 *
 * A path below the mount is the key behind the bucket's prefix, segment by
 * segment. What can be no component of a path is listed under one of these,
 * and opens by it (names_path.c; s3(7) tells users):
 *
 *      @s3=SEGMENT     an empty segment, `.`, `..`, or one that looks like this
 *      @s3file=SEGMENT the object whose name is that of a directory, too
 *      @s3long=HEAD    a directory: the segments over 255 bytes that begin so,
 *                      listed by what follows
 *
 * All here is for the loop's thread. Callbacks are called once, perhaps before
 * the function returns; what they are given lives until they return. Errors are
 * -errno: ENOENT, ENAMETOOLONG, EACCES, EIO, ETIMEDOUT, ...
 */
#ifndef S3_AGENT_NAMES_H
#define S3_AGENT_NAMES_H

#include "s3/proto.h"
#include "request/s3.h"

#define NAMES_KEY_MAX 1024              /* bytes of a key; S3's limit */

/*
 * The key of the file at a name ("" or "/a/b"), with the bucket's prefix.
 * Returns its length; -ENAMETOOLONG, -ENOENT for an escape that names nothing,
 * -EISDIR for what can only be a directory.
 */
int names_key(const struct s3_bucket *b, const char *name, char key[S3_NAME_MAX]);

/* What the keys of all that is in a directory begin with, as above; -ENOTDIR for @s3file=. */
int names_prefix(const struct s3_bucket *b, const char *name, char prefix[S3_NAME_MAX]);

/* The name of a key below the bucket's prefix, as names_key takes it. Length or -ENAMETOOLONG. */
int names_of_key(const struct s3_bucket *b, const char *key, char name[S3_NAME_MAX]);

/* The directory a name is in, and where in the name its own component begins; of the root "" and NULL. */
const char *names_parent(const char *name, char parent[S3_NAME_MAX]);

/* Attributes of a name: from what is kept, or one round trip. A directory wins over a file. */
typedef void names_got(void *arg, const struct s3_attr *attr, int err);
void names_stat(struct s3_bucket *b, const char *name, names_got *got, void *arg);
/* Likewise, of what is likely to be a directory, and to be listed. */
void names_stat_dir(struct s3_bucket *b, const char *name, names_got *got, void *arg);

/* Whether it was one when it was last looked at, perhaps longer ago than what is kept is believed. */
int names_was_dir(struct s3_bucket *b, const char *name);

/*
 * What is kept and fresh: 1 and *attr, 0 not all that a stat needs, -ENOENT
 * kept as absent, or an error of the name itself.
 */
int names_kept(struct s3_bucket *b, const char *name, struct s3_attr *attr);

/* Whether objects tell their own attributes, meta=object. */
int names_meta_object(const struct s3_bucket *b);

/*
 * What a GET learnt of a name: attr of the file or directory there, or NULL: no
 * file. Listings without it are not used again.
 */
void names_learn(struct s3_bucket *b, const char *name, const struct s3_attr *attr);
/*
 * What we wrote or removed ourselves, and the server said so: what is kept is
 * changed to that, listings too. attr: of a file, or by its mode of a
 * directory. names_made: a directory that was not there before, as far as is
 * known, and is empty as long as that is believed.
 */
void names_wrote(struct s3_bucket *b, const char *name, const struct s3_attr *attr);
void names_made(struct s3_bucket *b, const char *name, const struct s3_attr *attr);
void names_removed(struct s3_bucket *b, const char *name, int dir);
/* A request found this version gone: what is kept of it is not believed any more, so that the next open finds another. */
void names_stale(struct s3_bucket *b, const char *name, const struct s3_attr *version);
/* Forgets a name and all below it; its directories' listings are not used again. */
void names_forget(struct s3_bucket *b, const char *name);

struct names_entry {
	const char *name;               /* a component of a path */
	const char *etag;               /* "" of a directory */
	const char *storage_class;      /* "" if the server does not say */
	uint64_t ino;
	int64_t size, mtime;
	unsigned char type;             /* DT_DIR, DT_REG; with meta=object DT_UNKNOWN */
	unsigned char old;              /* was written since: names.c's */
};

/* A whole directory, sorted by name. */
struct names_list {
	unsigned n;
	struct names_entry *entry;
};
typedef void names_listed(void *arg, const struct names_list *l, int err);
void names_list(struct s3_bucket *b, const char *name, names_listed *got, void *arg);

/*
 * The file at a name was opened: where those of its directory are opened in
 * turn, next() is told which come next, if they have at most `most` bytes. It must
 * not call back.
 */
void names_opened(struct s3_bucket *b, const char *name, size_t most,
		  void (*next)(struct s3_bucket *b, const char *name, const struct s3_attr *attr));

/* Whether they are, also where the listing is too old: another one is worth its request then. */
int names_in_turn(struct s3_bucket *b, const char *name);

/*
 * What an object is beside its bytes, by HEAD and kept; none of a directory.
 * version: attributes of the one that is open (-ESTALE if it is gone), NULL:
 * the current one. Their keys begin with NAMES_XATTR: others need no request.
 */
#define NAMES_XATTR "user.s3."
struct names_xattr {
	char *key, *value;              /* user.s3.etag, .version-id, .storage-class, .checksum-*, .meta.*, ... */
};
struct names_xattrs {
	unsigned n;
	struct names_xattr *x;
};
typedef void names_got_xattrs(void *arg, const struct names_xattrs *x, int err);
void names_xattrs(struct s3_bucket *b, const char *name, const struct s3_attr *version,
		  names_got_xattrs *got, void *arg);

/* Where a symbolic link points to (meta=object); -EINVAL: it is none. */
void names_readlink(struct s3_bucket *b, const char *name,
		    void (*got)(void *arg, const char *target, int err), void *arg);

/*
 * The inode number of a version of an object, by what listings, HEAD and GET
 * all tell of it; etag "": of a directory. Another version, another number, so
 * that two open files with the same number have the same bytes; and stat tells
 * what fstat will.
 */
uint64_t names_ino(const struct s3_bucket *b, const char *key, const char *etag);

/* The attributes of the answer to a GET or HEAD of `key`, from its head on. */
void names_attr(const struct s3_request *r, const char *key, struct s3_attr *attr);

#endif
