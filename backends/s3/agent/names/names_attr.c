/* SPDX-License-Identifier: MIT */
/*
 * Attributes: of what a listing or an answer says, and with meta=object of what
 * s3fs, goofys and rclone keep in x-amz-meta-*.
 */
#include "names_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

/* With the end of the text, so that two are not one. */
static uint64_t hash_text(uint64_t h, const char *s)
{
	return hash_bytes(h, s, strlen(s) + 1);
}

uint64_t names_ino(const struct s3_bucket *b, const char *key, const char *etag)
{
	uint64_t h = hash_text(hash_text(hash_text(hash_text(HASH_START, b->endpoint), b->name), key), etag);

	/* FNV's low bits mix badly into its high ones: the last step of MurmurHash3 */
	h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
	h = (h ^ h >> 33) >> 1;        /* some programs keep it in a signed long */
	return h ? h : 1;
}

static void attr_start(struct s3_attr *attr, mode_t mode)
{
	memset(attr, 0, sizeof(*attr));
	attr->mode = mode;
	attr->uid = geteuid();
	attr->gid = getegid();
}

/* `prefix` ends in a slash, or is that of a part; a directory has no time that all agents would agree on. */
void attr_dir(const struct s3_bucket *b, const char *prefix, struct s3_attr *attr)
{
	attr_start(attr, S_IFDIR | 0755);
	attr->ino = names_ino(b, prefix, "");
}

void attr_file(const struct s3_bucket *b, const char *key, int64_t size, int64_t mtime,
	       const char *etag, struct s3_attr *attr)
{
	attr_start(attr, S_IFREG | 0644);
	attr->size = size;
	attr->mtime_sec = mtime;
	snprintf(attr->etag, sizeof(attr->etag), "%s", etag);
	attr->ino = names_ino(b, key, attr->etag);
}

/* A header of digits alone, in that base. */
static int meta_number(const struct s3_request *r, const char *name, int base, unsigned long *n)
{
	const char *s = http_got(r->http, name);
	char *end;

	if (!s || !isdigit((unsigned char)*s))
		return 0;
	*n = strtoul(s, &end, base);
	return !*end && *n <= UINT32_MAX;
}

static int has_type(unsigned long mode)
{
	return mode <= (S_IFMT | 07777) &&
	       (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode));
}

/* s3fs writes st_mode in decimal, rclone in octal; what has a type in decimal is s3fs's. */
static void meta_mode(const struct s3_request *r, struct s3_attr *attr)
{
	unsigned long n;

	if (!(meta_number(r, "x-amz-meta-mode", 10, &n) && has_type(n)) &&
	    !(meta_number(r, "x-amz-meta-mode", 8, &n) && (has_type(n) || n <= 07777)))
		return;
	attr->mode = (S_ISDIR(attr->mode) ? S_IFDIR : S_ISLNK(n) ? S_IFLNK : S_IFREG) | (n & 07777);
}

/* "1700000000.123456789" or an integer. */
static void meta_mtime(const struct s3_request *r, struct s3_attr *attr)
{
	const char *s = http_got(r->http, "x-amz-meta-mtime");
	long long sec;
	uint32_t nsec = 0;
	char *end;

	if (!s || (!isdigit((unsigned char)*s) && *s != '-'))
		return;
	sec = strtoll(s, &end, 10);
	if (*end == '.') {
		uint32_t unit = 100000000;

		for (end++; isdigit((unsigned char)*end); end++, unit /= 10)
			nsec += unit * (uint32_t)(*end - '0');
	}
	if (*end)
		return;
	if (*s == '-' && nsec) {
		sec--;
		nsec = 1000000000 - nsec;
	}
	attr->mtime_sec = sec;
	attr->mtime_nsec = nsec;
}

static void meta(const struct s3_request *r, struct s3_attr *attr)
{
	unsigned long n;

	meta_mode(r, attr);
	meta_mtime(r, attr);
	if (meta_number(r, "x-amz-meta-uid", 10, &n))
		attr->uid = (uint32_t)n;
	if (meta_number(r, "x-amz-meta-gid", 10, &n))
		attr->gid = (uint32_t)n;
}

void names_attr(const struct s3_request *r, const char *key, struct s3_attr *attr)
{
	size_t n = strlen(key);

	attr_file(r->bucket, key, r->size, r->mtime, r->etag, attr);
	snprintf(attr->version, sizeof(attr->version), "%s", r->version);
	if (!names_meta_object(r->bucket))
		return;
	/* a marker of a directory, not the object with data of that key */
	if (n && key[n - 1] == '/' && !r->size) {
		attr_dir(r->bucket, key, attr);
		attr->mtime_sec = r->mtime;
	}
	meta(r, attr);
}
