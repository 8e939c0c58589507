/* SPDX-License-Identifier: MIT */
/* Pages of ListObjectsV2, asked for and read. */
#include "names_page.h"
#include "http/xml.h"
#include "loop/log.h"
#include "request/count.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIST_MOST 4000000               /* items; a server that never ends is stopped */
#define PAGES_MOST 1000                 /* more than there are items */

void page_request(struct s3_request *r, struct s3_bucket *b, const char *prefix, const char *delimiter,
		  const char *token)
{
	s3_prepare(r, b, "GET", NULL, NULL, NULL);
	s3_param(r, "list-type", "2");
	if (delimiter)
		s3_param(r, "delimiter", delimiter);
	s3_param(r, "encoding-type", "url");
	s3_param(r, "prefix", prefix);
	if (token)
		s3_param(r, "continuation-token", token);
}

struct reading {
	struct page *page;
	int url;                        /* keys are encoded */
	int whole;                      /* it was a ListBucketResult */
	struct listed now;              /* what is being read */
};

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* In place, by the rules of a form: a plus is a space. -EBADMSG: a NUL, which no key has. */
static int url_decode(char *s)
{
	char *to = s;

	for (; *s; s++, to++) {
		*to = *s == '+' ? ' ' : *s;
		if (*s != '%' || hex(s[1]) < 0 || hex(s[2]) < 0)
			continue;
		*to = (char)(hex(s[1]) << 4 | hex(s[2]));
		s += 2;
		if (!*to)
			return -EBADMSG;
	}
	*to = '\0';
	return 0;
}

static int set(char **to, const char *value)
{
	free(*to);
	*to = strdup(value);
	return *to ? 0 : -ENOMEM;
}

/* As the header has it: with quotes. */
static int set_etag(char **to, const char *value)
{
	char *quoted;

	if (*value == '"' || *value == 'W' || !*value)
		return set(to, value);
	if (asprintf(&quoted, "\"%s\"", value) < 0)
		return -ENOMEM;
	free(*to);
	*to = quoted;
	return 0;
}

static void listed_free(struct listed *l)
{
	free(l->key);
	free(l->etag);
	free(l->storage_class);
	memset(l, 0, sizeof(*l));
}

static int add(struct reading *r, int dir)
{
	struct page *p = r->page;

	if (!r->now.key)
		return -EBADMSG;
	r->now.dir = dir;
	if (p->n == p->room) {
		size_t room = p->room ? p->room * 2 : 256;
		struct listed *item = realloc(p->item, room * sizeof(*item));

		if (!item)
			return -ENOMEM;
		p->item = item;
		p->room = room;
	}
	p->item[p->n++] = r->now;
	memset(&r->now, 0, sizeof(r->now));
	return 0;
}

static int leaf(void *arg, const char *path, const char *value)
{
	struct reading *r = arg;
	const char *name;

	if (strncmp(path, "ListBucketResult/", 17))
		return 0;
	name = path + 17;
	if (!strcmp(name, "EncodingType"))
		r->url = !strcmp(value, "url");
	else if (!strcmp(name, "IsTruncated"))
		r->page->truncated = !strcmp(value, "true");
	else if (!strcmp(name, "NextContinuationToken"))
		return set(&r->page->token, value);
	else if (!strcmp(name, "CommonPrefixes/Prefix"))
		return set(&r->now.key, value) ? -ENOMEM : add(r, 1);
	else if (!strcmp(name, "Contents/Key"))
		return set(&r->now.key, value);
	else if (!strcmp(name, "Contents/ETag"))
		return set_etag(&r->now.etag, value);
	else if (!strcmp(name, "Contents/StorageClass"))
		return set(&r->now.storage_class, value);
	else if (!strcmp(name, "Contents/Size"))
		r->now.size = strtoll(value, NULL, 10);
	else if (!strcmp(name, "Contents/LastModified"))
		r->now.mtime = xml_time(value);
	return 0;
}

static int end(void *arg, const char *path)
{
	struct reading *r = arg;

	if (!strcmp(path, "ListBucketResult"))
		r->whole = 1;
	return strcmp(path, "ListBucketResult/Contents") ? 0 : add(r, 0);
}

/* Decodes a key and cuts the prefix off, and the slash of a common one. */
static int finish(struct listed *l, const char *prefix, int url, int flat)
{
	size_t n = strlen(prefix), len;

	if (url && url_decode(l->key))
		return -EBADMSG;
	len = strlen(l->key);
	if (len < n || memcmp(l->key, prefix, n) || (l->dir && (len == n || l->key[len - 1] != '/')))
		return -EBADMSG;
	len -= n + !!l->dir;
	memmove(l->key, l->key + n, len);
	l->key[len] = '\0';
	return !flat && strchr(l->key, '/') ? -EBADMSG : 0;
}

/* It begins as the page before it began: the server goes round, though its tokens may be new each time. */
static int compare_first(struct page *p, size_t begin)
{
	const struct listed *l = &p->item[begin];
	char *first = NULL;

	if (begin < p->n && asprintf(&first, "%s%s", l->key, l->dir ? "/" : "") < 0)
		return -ENOMEM;
	p->again = first && p->first && !strcmp(first, p->first);
	free(p->first);
	p->first = first;
	return 0;
}

int page_parse(struct page *p, const char *prefix, const char *text, size_t n)
{
	struct reading r = { .page = p };
	size_t first = p->n;            /* of this page's items */
	int err;

	p->truncated = 0;
	free(p->token);
	p->token = NULL;
	err = xml_parse(text, n, leaf, end, &r);
	listed_free(&r.now);
	if (!err && !r.whole)
		err = -EBADMSG;
	for (size_t i = first; !err && i < p->n; i++)
		err = finish(&p->item[i], prefix, r.url, p->flat);
	if (!err)
		p->items += p->n - first;
	return err ? err : compare_first(p, first);
}

/*
 * What tokens are compared with moves on at each power of two, so a circle of
 * any length is noticed (Brent). A page may be empty, but not for ever.
 */
int page_more(struct page *p)
{
	if (!p->truncated)
		return 0;
	if (!p->token || !*p->token || p->items > LIST_MOST || p->pages > PAGES_MOST + p->items ||
	    (p->mark && !strcmp(p->mark, p->token)) || p->again)
		return -EPROTO;
	p->pages++;
	if (!(p->pages & (p->pages - 1)) && set(&p->mark, p->token))
		return -ENOMEM;
	return 1;
}

int page_failed(const struct s3_request *r, int err)
{
	const char *wrong = err == -EBADMSG ? "no listing of the prefix" :
			    "a listing that goes in circles, or has no next page";
	const char *prefix = "";
	char what[400], line[600];

	if (*r->message || (err != -EBADMSG && err != -EPROTO))
		return err;
	for (unsigned i = 0; i < r->nquery; i++)
		if (!strcmp(r->query[i].name, "prefix"))
			prefix = r->query[i].value;
	snprintf(what, sizeof(what), "LIST s3://%.64s at %.80s: %s", r->bucket->name, r->bucket->endpoint, wrong);
	snprintf(line, sizeof(line), "LIST s3://%.64s/%.100s at %.80s: %s", r->bucket->name,
		 prefix, r->bucket->endpoint, wrong);
	log_say(LOG_WARN, "%s", line);
	count_note(what, line, 0);
	return err == -EBADMSG ? -EIO : err;
}

void page_drop(struct page *p)
{
	for (size_t i = 0; i < p->n; i++)
		listed_free(&p->item[i]);
	p->n = 0;
}

void page_free(struct page *p)
{
	page_drop(p);
	free(p->item);
	free(p->token);
	free(p->first);
	free(p->mark);
	memset(p, 0, sizeof(*p));
}
