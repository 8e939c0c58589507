/* SPDX-License-Identifier: MIT */
/* DeleteObjects; see cmd_delete.h. */
#include "cmd_delete.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/xml.h"
#include "request/sum.h"

#define AT_ONCE 16                      /* of those that go one by one */

/* ---- the documents */

/* The length of the UTF-8 character at s, 0: none, or one that XML has not. */
static unsigned character(const unsigned char *s)
{
	static const struct { unsigned char mask, is; unsigned n, least; } kinds[] = {
		{ 0x80, 0x00, 1, 0 }, { 0xe0, 0xc0, 2, 0x80 }, { 0xf0, 0xe0, 3, 0x800 }, { 0xf8, 0xf0, 4, 0x10000 },
	};
	unsigned c;

	for (unsigned k = 0; k < 4; k++) {
		if ((*s & kinds[k].mask) != kinds[k].is)
			continue;
		c = *s & (unsigned char)~kinds[k].mask;
		for (unsigned i = 1; i < kinds[k].n; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (s[i] & 0x3f);
		}
		if (c < kinds[k].least || (c < ' ' && !strchr("\t\n\r", (int)c)) || (c >= 0xd800 && c < 0xe000) ||
		    c == 0xfffe || c == 0xffff || c > 0x10ffff)
			return 0;
		return kinds[k].n;
	}
	return 0;
}

int delete_can(const char *key)
{
	const unsigned char *s = (const unsigned char *)key;
	unsigned n;

	for (; *s; s += n)
		if (!(n = character(s)))
			return 0;
	return 1;
}

static void put_escaped(FILE *f, const char *key)
{
	for (; *key; key++)
		if (strchr("&<>\t\n\r", *key))
			fprintf(f, "&#%d;", *key);
		else
			putc(*key, f);
}

char *delete_text(char *const *key, unsigned n, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	if (!f)
		abort();
	fputs("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>", f);
	for (unsigned i = 0; i < n; i++) {
		if (!delete_can(key[i]))
			continue;
		fputs("<Object><Key>", f);
		put_escaped(f, key[i]);
		fputs("</Key></Object>", f);
	}
	fputs("</Delete>", f);
	if (fclose(f))
		abort();
	return text;
}

struct answer {
	void (*failed)(void *arg, const char *key);
	void *arg;
	char key[S3_NAME_MAX];
	int whole;
};

static int leaf(void *arg, const char *path, const char *value)
{
	struct answer *a = arg;

	if (!strcmp(path, "DeleteResult"))
		a->whole = 1;
	if (!strcmp(path, "DeleteResult/Error/Key"))
		snprintf(a->key, sizeof(a->key), "%s", value);
	return 0;
}

static int leaf_end(void *arg, const char *path)
{
	struct answer *a = arg;

	if (!strcmp(path, "DeleteResult"))
		a->whole = 1;
	if (!strcmp(path, "DeleteResult/Error")) {
		a->failed(a->arg, a->key);
		*a->key = 0;
	}
	return 0;
}

int delete_answer(const char *text, size_t n, void (*failed)(void *arg, const char *key), void *arg)
{
	struct answer a = { .failed = failed, .arg = arg };
	int err = xml_parse(text, n, leaf, leaf_end, &a);

	return err ? err : a.whole ? 0 : -EBADMSG;
}

/* ---- all that one request can be asked for */

/* It is told once more, alone: what passes by itself is repeated there, and what does not says why. */
static void not_removed(void *arg, const char *key)
{
	struct delete_batch *d = arg;

	for (unsigned i = 0; i < d->n; i++)
		if (!strcmp(d->key[i], key))
			d->failed[i] = 1;
}

static void answered(struct s3_request *r, int err)
{
	struct delete_batch *d = r->arg;

	if (!err && delete_answer(r->text ? r->text : "", r->text_len, not_removed, d))
		memset(d->failed, 1, d->n);
}

static void md5_of(const char *text, size_t n, char out[SUM_MD5_TEXT])
{
	unsigned char md5[16] = "";
	unsigned len = sizeof(md5);

	EVP_Digest(text, n, md5, &len, EVP_md5(), NULL);
	sum_md5_text(md5, out);
}

static void together(struct delete_batch *d)
{
	struct s3_request r;
	char md5[SUM_MD5_TEXT], *text;

	s3_prepare(&r, d->b, "POST", NULL, answered, d);
	text = delete_text(d->key, d->n, &r.body_len);
	md5_of(text, r.body_len, md5);
	r.body = text;
	s3_param(&r, "delete", "");
	s3_header(&r, "content-type", "application/xml");
	s3_header(&r, "content-md5", md5);
	if (cmd_request(&r))
		memset(d->failed, 1, d->n);
	free(text);
}

/* ---- one by one */

struct singles {
	struct delete_batch *d;
	unsigned next, going;
};

static void tell(struct delete_batch *d, unsigned i, int err, const char *why)
{
	if (d->told)
		d->told(d->arg, d->key[i], err, why);
}

static void go_on(struct singles *s);

struct single {
	struct s3_request r;
	struct singles *s;
	unsigned i;
};

static void single_done(struct s3_request *r, int err)
{
	struct single *one = r->arg;
	struct singles *s = one->s;

	tell(s->d, one->i, err == -ENOENT && strcmp(r->code, "NoSuchBucket") ? 0 : err, r->message);
	free(one);
	s->going--;
	go_on(s);
}

static void go_on(struct singles *s)
{
	struct delete_batch *d = s->d;

	for (; s->next < d->n && s->going < AT_ONCE; s->next++) {
		struct single *one;

		if (!d->failed[s->next])
			continue;
		one = calloc(1, sizeof(*one));
		if (!one)
			abort();
		one->s = s;
		one->i = s->next;
		s3_prepare(&one->r, d->b, "DELETE", d->key[s->next], single_done, one);
		s->going++;
		s3_start(&one->r);
	}
	if (!s->going)
		cmd_ready();
}

/* ---- batches */

void delete_now(struct delete_batch *d)
{
	struct singles s = { .d = d };
	unsigned can = 0;

	for (unsigned i = 0; i < d->n; i++) {
		d->failed[i] = !delete_can(d->key[i]);
		can += !d->failed[i];
	}
	if (can > 1)
		together(d);
	else
		memset(d->failed, 1, d->n);
	for (unsigned i = 0; i < d->n; i++)
		if (!d->failed[i])
			tell(d, i, 0, "");
	go_on(&s);
	cmd_wait();
	for (unsigned i = 0; i < d->n; i++)
		free(d->key[i]);
	d->n = 0;
}

void delete_add(struct delete_batch *d, struct s3_bucket *b, char *key)
{
	if (d->n == DELETE_MOST || (d->n && d->b != b))
		delete_now(d);
	d->b = b;
	d->key[d->n++] = key;
}
