/* SPDX-License-Identifier: MIT */
/*
 * Names and keys. A path component is a segment of the key as it stands, or an
 * escape (names.h). Every key has one name: what would be a second one for it
 * is found by writing the key's name again and comparing.
 */
#include "names_private.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define ESCAPE "@s3="
#define ESCAPE_FILE "@s3file="
#define ESCAPE_LONG "@s3long="
#define HEAD_MAX (NAME_MAX - (sizeof(ESCAPE_LONG) - 1))

static int begins(const char *s, size_t n, const char *with)
{
	size_t w = strlen(with);

	return n >= w && !memcmp(s, with, w);
}

static int must_escape(const char *s, size_t n)
{
	return !n || (n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.') ||
	       begins(s, n, ESCAPE) || begins(s, n, ESCAPE_FILE) || begins(s, n, ESCAPE_LONG);
}

/* How much of a long segment its first component holds: no character is cut, as servers want UTF-8. */
static size_t head_of(const char *s)
{
	size_t n = HEAD_MAX;

	while (n > HEAD_MAX - 3 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static int put(char *out, size_t room, size_t *used, const char *s, size_t n)
{
	if (*used + n >= room)
		return -ENAMETOOLONG;
	memcpy(out + *used, s, n);
	*used += n;
	out[*used] = '\0';
	return 0;
}

int segment_encode(const char *s, size_t n, int file, char *out, size_t room)
{
	const char *escape = file ? ESCAPE_FILE : must_escape(s, n) ? ESCAPE : "";
	size_t used = 0;

	while (strlen(escape) + n > NAME_MAX) {
		size_t head = head_of(s);

		if (put(out, room, &used, ESCAPE_LONG, strlen(ESCAPE_LONG)) ||
		    put(out, room, &used, s, head) || put(out, room, &used, "/", 1))
			return -ENAMETOOLONG;
		s += head;
		n -= head;
		escape = file ? ESCAPE_FILE : must_escape(s, n) ? ESCAPE : "";
	}
	if (put(out, room, &used, escape, strlen(escape)) || put(out, room, &used, s, n))
		return -ENAMETOOLONG;
	return (int)used;
}

/* The name of a key's part below the prefix. */
static int encode(const char *key, int file, char *name, size_t room)
{
	size_t used = 0;

	for (;;) {
		size_t n = strcspn(key, "/");
		int more;

		if (put(name, room, &used, "/", 1))
			return -ENAMETOOLONG;
		more = segment_encode(key, n, file && !key[n], name + used, room - used);
		if (more < 0)
			return more;
		used += (size_t)more;
		if (!key[n])
			return (int)used;
		key += n + 1;
	}
}

/* One component; what its segment is written after is in p. */
static int decode(struct place *p, const char *s, size_t n)
{
	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	if (p->kind == PLACE_FILE)
		return -ENOTDIR;
	if (p->kind == PLACE_NAME && put(p->key, sizeof(p->key), &p->len, "/", 1))
		return -ENAMETOOLONG;
	if (p->kind != PLACE_PART)
		p->segment = p->len;
	p->kind = PLACE_NAME;
	if (begins(s, n, ESCAPE_LONG)) {
		p->kind = PLACE_PART;
		s += strlen(ESCAPE_LONG);
		n -= strlen(ESCAPE_LONG);
		if (n > HEAD_MAX || n < HEAD_MAX - 3)
			return -ENOENT;
	} else if (begins(s, n, ESCAPE_FILE)) {
		p->kind = PLACE_FILE;
		s += strlen(ESCAPE_FILE);
		n -= strlen(ESCAPE_FILE);
	} else if (begins(s, n, ESCAPE)) {
		s += strlen(ESCAPE);
		n -= strlen(ESCAPE);
	}
	return put(p->key, sizeof(p->key), &p->len, s, n);
}

const char *names_parent(const char *name, char parent[S3_NAME_MAX])
{
	const char *slash = strrchr(name, '/');
	size_t n = slash ? (size_t)(slash - name) : 0;

	memcpy(parent, name, n);
	parent[n] = '\0';
	return slash ? slash + 1 : NULL;
}

/*
 * That this is the one name of its key. The segment of a part goes on, we don't
 * know how: any letters do to see whether what is before its last component is right.
 */
static int is_the_name(const struct s3_bucket *b, const char *name, const struct place *p)
{
	char again[S3_NAME_MAX], key[NAMES_KEY_MAX + NAME_MAX + 2];
	size_t n = strlen(name);

	memcpy(key, p->key, p->len + 1);
	if (p->kind == PLACE_PART) {
		memset(key + p->len, 'x', NAME_MAX + 1);
		key[p->len + NAME_MAX + 1] = '\0';
		n = (size_t)(strrchr(name, '/') - name);
	}
	return encode(key + strlen(b->prefix), p->kind == PLACE_FILE, again, sizeof(again)) > 0 &&
	       !strncmp(again, name, n) && again[n] == (p->kind == PLACE_PART ? '/' : '\0');
}

int place_of(const struct s3_bucket *b, const char *name, struct place *p)
{
	const char *s = name;

	p->len = 0;
	p->kind = PLACE_ROOT;
	if (put(p->key, sizeof(p->key), &p->len, b->prefix, strlen(b->prefix)))
		return -ENAMETOOLONG;
	p->segment = p->len;
	while (*s) {
		size_t n = strcspn(++s, "/");
		int err = decode(p, s, n);

		if (err)
			return err;
		s += n;
	}
	if (p->len > NAMES_KEY_MAX)
		return -ENAMETOOLONG;
	return p->kind == PLACE_ROOT || is_the_name(b, name, p) ? 0 : -ENOENT;
}

int names_key(const struct s3_bucket *b, const char *name, char key[S3_NAME_MAX])
{
	struct place p;
	int err = place_of(b, name, &p);

	if (err)
		return err;
	if (p.kind == PLACE_ROOT || p.kind == PLACE_PART)
		return -EISDIR;
	memcpy(key, p.key, p.len + 1);
	return (int)p.len;
}

int names_prefix(const struct s3_bucket *b, const char *name, char prefix[S3_NAME_MAX])
{
	struct place p;
	int err = place_of(b, name, &p);

	if (err)
		return err;
	if (p.kind == PLACE_FILE)
		return -ENOTDIR;
	if (p.kind == PLACE_NAME && put(p.key, sizeof(p.key), &p.len, "/", 1))
		return -ENAMETOOLONG;
	memcpy(prefix, p.key, p.len + 1);
	return (int)p.len;
}

int names_of_key(const struct s3_bucket *b, const char *key, char name[S3_NAME_MAX])
{
	size_t n = strlen(b->prefix);

	return strncmp(key, b->prefix, n) ? -ENOENT : encode(key + n, 0, name, S3_NAME_MAX);
}
