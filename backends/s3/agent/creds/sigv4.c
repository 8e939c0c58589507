/* SPDX-License-Identifier: MIT */
/* AWS Signature Version 4; see sigv4.h. The canonical request is hashed as it is made, never stored. */
#include "sigv4.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#define BLOCK 64                        /* of SHA-256, which HMAC pads its key to */
#define KEYS 16                         /* signing keys kept: credentials x regions in use */

/* ---- text with an end */

struct text {
	char *at, *end;                 /* at == end: full, what comes is dropped */
};

static void put(struct text *t, const char *s, size_t n)
{
	if ((size_t)(t->end - t->at) <= n) {
		t->at = t->end;
		return;
	}
	memcpy(t->at, s, n);
	t->at += n;
	*t->at = 0;
}

static void puts_to(struct text *t, const char *s)
{
	put(t, s, strlen(s));
}

static int is_full(const struct text *t)
{
	return t->at == t->end;
}

static void hex(char *out, const unsigned char *in, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		*out++ = "0123456789abcdef"[in[i] >> 4];
		*out++ = "0123456789abcdef"[in[i] & 15];
	}
	*out = 0;
}

/* ---- encodings */

static int is_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

long sigv4_encode(char *out, size_t room, const char *in, size_t n, int path)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)in[i];

		if (len + 4 > room)
			return -ENAMETOOLONG;
		if (is_plain(c) || (path && c == '/')) {
			out[len++] = (char)c;
		} else {
			out[len++] = '%';
			out[len++] = "0123456789ABCDEF"[c >> 4];
			out[len++] = "0123456789ABCDEF"[c & 15];
		}
	}
	if (!room)
		return -ENAMETOOLONG;
	out[len] = 0;
	return (long)len;
}

/* Names are sorted as encoded; encoding changes the order only of bytes no name here has, so as they are. */
static int param_before(const struct sigv4_param *a, const struct sigv4_param *b)
{
	int c = strcmp(a->name, b->name);

	return c ? c < 0 : strcmp(a->value ? a->value : "", b->value ? b->value : "") < 0;
}

static long put_param(char *out, size_t room, const struct sigv4_param *p)
{
	const char *value = p->value ? p->value : "";
	long n = sigv4_encode(out, room, p->name, strlen(p->name), 0), m;

	if (n < 0 || (size_t)n + 2 > room)
		return -ENAMETOOLONG;
	out[n++] = '=';
	m = sigv4_encode(out + n, room - (size_t)n, value, strlen(value), 0);
	return m < 0 ? m : n + m;
}

/* The place of each in the order. */
static void sort_params(unsigned *order, const struct sigv4_param *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = i;

		for (; at && param_before(&p[i], &p[order[at - 1]]); at--)
			order[at] = order[at - 1];
		order[at] = (unsigned)i;
	}
}

long sigv4_query(char *out, size_t room, const struct sigv4_param *p, size_t n)
{
	unsigned order[SIGV4_PARAMS];
	size_t len = 0;

	if (!room || n > SIGV4_PARAMS)
		return -ENAMETOOLONG;
	sort_params(order, p, n);
	*out = 0;
	for (size_t i = 0; i < n; i++) {
		long m;

		if (i && len + 2 > room)
			return -ENAMETOOLONG;
		if (i)
			out[len++] = '&';
		m = put_param(out + len, room - len, &p[order[i]]);
		if (m < 0)
			return m;
		len += (size_t)m;
	}
	return (long)len;
}

/* ---- hashes */

void sigv4_sha256(char out[65], const void *p, size_t n)
{
	unsigned char md[SHA256_DIGEST_LENGTH];

	SHA256(p, n, md);
	hex(out, md, sizeof(md));
}

/* HMAC with the key's two blocks hashed already; OpenSSL's own costs several times the hashing. */
struct hmac {
	SHA256_CTX inner, outer;
};

static void hmac_key(struct hmac *h, const void *key, size_t n)
{
	unsigned char pad[BLOCK] = { 0 };

	if (n > BLOCK)
		SHA256(key, n, pad);
	else
		memcpy(pad, key, n);
	for (size_t i = 0; i < BLOCK; i++)
		pad[i] ^= 0x36;
	SHA256_Init(&h->inner);
	SHA256_Update(&h->inner, pad, BLOCK);
	for (size_t i = 0; i < BLOCK; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&h->outer);
	SHA256_Update(&h->outer, pad, BLOCK);
	OPENSSL_cleanse(pad, sizeof(pad));
}

static void hmac(const struct hmac *h, const void *p, size_t n, unsigned char md[SHA256_DIGEST_LENGTH])
{
	SHA256_CTX c = h->inner;

	SHA256_Update(&c, p, n);
	SHA256_Final(md, &c);
	c = h->outer;
	SHA256_Update(&c, md, SHA256_DIGEST_LENGTH);
	SHA256_Final(md, &c);
	OPENSSL_cleanse(&c, sizeof(c));
}

/* ---- signing keys, one a day */

static struct kept {
	unsigned char of[SHA256_DIGEST_LENGTH];  /* hash of what it is derived from */
	struct hmac key;
} kept[KEYS];
static unsigned next_kept;

static void derive(struct hmac *key, const char *secret, const char *const *parts, size_t n)
{
	unsigned char md[SHA256_DIGEST_LENGTH];
	char first[4 + SIGV4_SECRET_MAX];
	size_t len = strnlen(secret, SIGV4_SECRET_MAX);

	memcpy(first, "AWS4", 4);
	memcpy(first + 4, secret, len);
	hmac_key(key, first, 4 + len);
	for (size_t i = 0; i < n; i++) {
		hmac(key, parts[i], strlen(parts[i]), md);
		hmac_key(key, md, sizeof(md));
	}
	OPENSSL_cleanse(first, sizeof(first));
	OPENSSL_cleanse(md, sizeof(md));
}

static const struct hmac *signing_key(const char *secret, const char *date, const char *region,
				      const char *service)
{
	const char *parts[] = { date, region, service, "aws4_request" };
	unsigned char of[SHA256_DIGEST_LENGTH];
	struct kept *k;
	SHA256_CTX c;

	SHA256_Init(&c);
	SHA256_Update(&c, secret, strlen(secret) + 1);
	for (int i = 0; i < 3; i++)
		SHA256_Update(&c, parts[i], strlen(parts[i]) + 1);
	SHA256_Final(of, &c);
	OPENSSL_cleanse(&c, sizeof(c));
	for (unsigned i = 0; i < KEYS; i++)
		if (!memcmp(kept[i].of, of, sizeof(of)))
			return &kept[i].key;
	k = &kept[next_kept++ % KEYS];
	memcpy(k->of, of, sizeof(of));
	derive(&k->key, secret, parts, 4);
	return &k->key;
}

void sigv4_forget(void)
{
	OPENSSL_cleanse(kept, sizeof(kept));
}

/* ---- the canonical request */

static void hash(SHA256_CTX *c, const char *s)
{
	SHA256_Update(c, s, strlen(s));
}

/* Without spaces around it, and one in place of several. */
static void hash_value(SHA256_CTX *c, const char *v)
{
	v += strspn(v, " \t");
	while (*v) {
		size_t n = strcspn(v, " \t"), gap = strspn(v + n, " \t");

		SHA256_Update(c, v, n);
		if (gap && v[n + gap])
			SHA256_Update(c, " ", 1);
		v += n + gap;
	}
}

/* By name; of one name in the order they are sent. */
static unsigned sort_headers(const struct http_header *order[], const struct http *h,
			     const struct http_header *host)
{
	unsigned n = 1;

	order[0] = host;
	for (; n <= h->headers; n++) {
		unsigned at = n;

		for (; at && strcmp(h->header[n - 1].name, order[at - 1]->name) < 0; at--)
			order[at] = order[at - 1];
		order[at] = &h->header[n - 1];
	}
	return n;
}

/* "name:value\n" of each, those of one name together. */
static void hash_headers(SHA256_CTX *c, const struct http_header *order[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (i && !strcmp(order[i]->name, order[i - 1]->name)) {
			hash(c, ",");
		} else {
			hash(c, i ? "\n" : "");
			hash(c, order[i]->name);
			hash(c, ":");
		}
		hash_value(c, order[i]->value);
	}
	hash(c, "\n");
}

static void put_names(struct text *t, const struct http_header *order[], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (i && !strcmp(order[i]->name, order[i - 1]->name))
			continue;
		puts_to(t, i ? ";" : "");
		puts_to(t, order[i]->name);
	}
}

struct scope {
	char when[20], date[12];        /* 20130524T000000Z, 20130524 */
	const char *region, *service;
};

static void sign_text(char signature[65], const unsigned char request[SHA256_DIGEST_LENGTH],
		      const struct scope *s, const char *secret)
{
	unsigned char md[SHA256_DIGEST_LENGTH];
	char text[512], digest[65];
	int n;

	hex(digest, request, SHA256_DIGEST_LENGTH);
	n = snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s",
		     s->when, s->date, s->region, s->service, digest);
	hmac(signing_key(secret, s->date, s->region, s->service), text, (size_t)n, md);
	hex(signature, md, sizeof(md));
}

static void add(struct http *h, const char *name, const char *value)
{
	h->header[h->headers++] = (struct http_header){ name, value };
}

/* Those that are signed too. */
static void add_headers(struct http *h, const struct scope *s, const char *when, const char *payload,
			const char *token, int session)
{
	if (!strncmp(s->service, "s3", 2))
		add(h, "x-amz-content-sha256", payload);
	add(h, "x-amz-date", when);
	if (*token)
		add(h, session ? "x-amz-s3session-token" : "x-amz-security-token", token);
}

static void hash_request(unsigned char md[SHA256_DIGEST_LENGTH], const struct http *h, const char *path,
			 const char *query, const struct http_header *order[], unsigned n,
			 const char *names, const char *payload)
{
	const char *parts[] = { h->method, "\n", path, "\n", query, "\n" };
	const char *rest[] = { "\n", names, "\n", payload };
	SHA256_CTX c;

	SHA256_Init(&c);
	for (size_t i = 0; i < 6; i++)
		hash(&c, parts[i]);
	hash_headers(&c, order, n);
	for (size_t i = 0; i < 4; i++)
		hash(&c, rest[i]);
	SHA256_Final(md, &c);
}

static int set_scope(struct scope *s, const char *region, const char *service, time_t now)
{
	struct tm tm;

	if (!gmtime_r(&now, &tm) || !strftime(s->when, sizeof(s->when), "%Y%m%dT%H%M%SZ", &tm) ||
	    strlen(region) > SIGV4_REGION_MAX || strlen(service) > SIGV4_REGION_MAX)
		return -EINVAL;
	memcpy(s->date, s->when, 8);
	s->date[8] = 0;
	s->region = region;
	s->service = service;
	return 0;
}

int sigv4_sign(struct http *h, const char *host, const char *path, const char *query,
	       const char *payload, const struct sigv4_key *key, const char *region,
	       const char *service, time_t now, char *buf, size_t room)
{
	const struct http_header *order[HTTP_HEADERS + 1], host_header = { "host", host };
	unsigned char md[SHA256_DIGEST_LENGTH];
	struct text t = { buf, buf + room };
	char signature[65], *token, *authorization, *names;
	struct scope s;
	unsigned n;

	if (h->headers + 4 > HTTP_HEADERS || room < sizeof(s.when))
		return -ENOBUFS;
	if (set_scope(&s, region, service, now) || strlen(key->secret) > SIGV4_SECRET_MAX)
		return -EINVAL;
	put(&t, s.when, strlen(s.when) + 1);
	token = t.at;
	put(&t, key->token ? key->token : "", (key->token ? strlen(key->token) : 0) + 1);
	if (is_full(&t))
		return -ENOBUFS;
	authorization = t.at;
	add_headers(h, &s, buf, payload, token, key->session);
	n = sort_headers(order, h, &host_header);
	for (const char *const *p = (const char *const[]){ "AWS4-HMAC-SHA256 Credential=", key->id, "/",
	     s.date, "/", region, "/", service, "/aws4_request, SignedHeaders=", NULL }; *p; p++)
		puts_to(&t, *p);
	names = t.at;
	put_names(&t, order, n);
	hash_request(md, h, path, query, order, n, is_full(&t) ? "" : names, payload);
	sign_text(signature, md, &s, key->secret);
	puts_to(&t, ", Signature=");
	puts_to(&t, signature);
	if (is_full(&t))
		return -ENOBUFS;
	add(h, "authorization", authorization);
	return 0;
}
