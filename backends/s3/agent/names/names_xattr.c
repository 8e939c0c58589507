/* SPDX-License-Identifier: MIT */
/*
 * What a HEAD tells of an object beyond its attributes, as extended attributes,
 * and symbolic links, whose target is what the object holds.
 */
#include "loop/loop.h"
#include "names_private.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A header and its attribute; those that end in - stand for all that begin so. */
static const struct {
	const char *header, *key;
} row[] = {
	{ "etag", "user.s3.etag" },
	{ "x-amz-version-id", "user.s3.version-id" },
	{ "x-amz-storage-class", "user.s3.storage-class" },
	{ "x-amz-restore", "user.s3.restore" },
	{ "x-amz-archive-status", "user.s3.archive-status" },
	{ "x-amz-server-side-encryption", "user.s3.encryption" },
	{ "x-amz-server-side-encryption-aws-kms-key-id", "user.s3.kms-key" },
	{ "x-amz-server-side-encryption-customer-algorithm", "user.s3.sse-c" },
	{ "x-amz-server-side-encryption-customer-key-md5", "user.s3.sse-c-key-md5" },
	{ "x-amz-tagging-count", "user.s3.tags" },
	{ "x-amz-expiration", "user.s3.expiration" },
	{ "content-type", "user.s3.content-type" },
	{ "content-encoding", "user.s3.content-encoding" },
	{ "content-disposition", "user.s3.content-disposition" },
	{ "content-language", "user.s3.content-language" },
	{ "cache-control", "user.s3.cache-control" },
	{ "x-amz-checksum-", "user.s3.checksum-" },
	{ "x-amz-meta-", "user.s3.meta." },
};

struct asking {
	struct s3_bucket *bucket;
	char *name;
	char key[S3_NAME_MAX];
	struct s3_attr version;         /* ino 0: the current one */
	int old;
	struct s3_request request;
	names_got_xattrs *got;
	void (*got_link)(void *arg, const char *target, int err);
	void *arg;
};

static void asking_free(struct asking *a)
{
	free(a->name);
	free(a);
}

/* ---- the attributes of an answer */

static const char *key_of(const char *header, char key[256])
{
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		size_t n = strlen(row[i].header);
		int many = row[i].header[n - 1] == '-';

		if (many ? strncmp(header, row[i].header, n) : strcmp(header, row[i].header))
			continue;
		/* the kernel's limit of a name is XATTR_NAME_MAX, 255 */
		if (snprintf(key, 256, "%s%s", row[i].key, many ? header + n : "") > 255)
			return NULL;
		return key;
	}
	return NULL;
}

static int add(struct names_xattrs *x, const char *key, const char *value, size_t n)
{
	struct names_xattr *more = realloc(x->x, (x->n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	x->x = more;
	more[x->n].key = strdup(key);
	more[x->n].value = strndup(value, n);
	return more[x->n].key && more[x->n++].value ? 0 : -ENOMEM;
}

/* An ETag without its quotes, as it is compared by people; no header stands for the usual storage class. */
static int collect(const struct s3_request *r, struct names_xattrs *x)
{
	char name[256];
	int err = 0, has_class = 0;

	for (unsigned i = 0; !err && i < r->http->ngot; i++) {
		const struct http_header *h = &r->http->got[i];
		const char *key = key_of(h->name, name), *value = h->value;
		size_t n = strlen(value);

		if (!key)
			continue;
		has_class |= !strcmp(key, "user.s3.storage-class");
		if (n > 1 && !strcmp(key, "user.s3.etag") && value[0] == '"') {
			value++;
			n -= 2;
		}
		err = add(x, key, value, n);
	}
	return err || has_class ? err : add(x, "user.s3.storage-class", "STANDARD", 8);
}

void xattrs_free(struct names_xattrs *x)
{
	for (unsigned i = 0; x && i < x->n; i++) {
		free(x->x[i].key);
		free(x->x[i].value);
	}
	if (x)
		free(x->x);
	free(x);
}

/* ---- asking */

static void xattrs_answer(struct asking *a, struct names_xattrs *x, int err)
{
	struct known *k = err || a->version.ino ? NULL : known_get(a->bucket, a->name);

	if (err == -ESTALE)
		names_stale(a->bucket, a->name, &a->version);
	a->got(a->arg, err ? NULL : x, err);
	if (k)
		known_xattrs(k, x);
	else
		xattrs_free(x);
	asking_free(a);
}

static void xattrs_done(struct s3_request *r, int err)
{
	struct asking *a = r->arg;
	struct names_xattrs *x = calloc(1, sizeof(*x));

	if (err == -EBUSY || r->status == 412)
		err = -ESTALE;
	if (!err)
		err = x ? collect(r, x) : -ENOMEM;
	xattrs_answer(a, x, err);
}

static void prepare(struct asking *a, const char *method, void (*done)(struct s3_request *r, int err))
{
	s3_prepare(&a->request, a->bucket, method, a->key, done, a);
	if (*a->version.version)
		s3_param(&a->request, "versionId", a->version.version);
	else if (*a->version.etag)
		s3_header(&a->request, "if-match", a->version.etag);
}

static void xattrs_stat(void *arg, const struct s3_attr *attr, int err)
{
	struct asking *a = arg;

	/* the kernel has none of user.* at a link, and mv to a disk would try to give them to one */
	if (!err && (S_ISDIR(attr->mode) || S_ISLNK(attr->mode))) {
		struct names_xattrs *none = calloc(1, sizeof(*none));

		xattrs_answer(a, none, none ? 0 : -ENOMEM);
		return;
	}
	if (!err)
		err = names_key(a->bucket, a->name, a->key);
	if (err < 0) {
		xattrs_answer(a, NULL, err);
		return;
	}
	prepare(a, "HEAD", xattrs_done);
	s3_header(&a->request, "x-amz-checksum-mode", "ENABLED");
	s3_start(&a->request);
}

static struct asking *asking_new(struct s3_bucket *b, const char *name, void *arg)
{
	struct asking *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->bucket = b;
	a->arg = arg;
	a->name = strdup(name);
	if (a->name)
		return a;
	free(a);
	return NULL;
}

void names_xattrs(struct s3_bucket *b, const char *name, const struct s3_attr *version,
		  names_got_xattrs *got, void *arg)
{
	struct known *k = version ? NULL : known_find(b, name);
	struct asking *a;

	if (k && k->xattrs && k->xattrs_until > loop_now()) {
		got(arg, k->xattrs, 0);
		return;
	}
	a = asking_new(b, name, arg);
	if (!a) {
		got(arg, NULL, -ENOMEM);
		return;
	}
	a->got = got;
	if (version)
		a->version = *version;
	if (version)
		xattrs_stat(a, version, 0);
	else
		names_stat(b, name, xattrs_stat, a);
}

/* ---- symbolic links */

static void link_done(struct s3_request *r, int err)
{
	struct asking *a = r->arg;

	if (err == -ESTALE)
		names_stale(a->bucket, a->name, &a->version);
	if (!err && (r->text_len >= PATH_MAX || strlen(r->text) != r->text_len))
		err = -EIO;             /* no target of a link */
	a->got_link(a->arg, err ? NULL : r->text, err);
	asking_free(a);
}

static void link_stat(void *arg, const struct s3_attr *attr, int err)
{
	struct asking *a = arg;

	if (!err)
		err = S_ISLNK(attr->mode) ? names_key(a->bucket, a->name, a->key) : -EINVAL;
	if (err < 0) {
		a->got_link(a->arg, NULL, err);
		asking_free(a);
		return;
	}
	a->version = *attr;
	prepare(a, "GET", link_done);
	s3_start(&a->request);
}

void names_readlink(struct s3_bucket *b, const char *name,
		    void (*got)(void *arg, const char *target, int err), void *arg)
{
	struct asking *a = asking_new(b, name, arg);

	if (!a) {
		got(arg, NULL, -ENOMEM);
		return;
	}
	a->got_link = got;
	names_stat(b, name, link_stat, a);
}
